import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/**
 * What a user gets who installs the packages: packed, installed in an empty folder, imported both ways, type-checked.
 * Nothing is fetched: what the packages depend on is packed out of node_modules.
 */
const root = path.resolve(__dirname, '../../..');
const PACKED = ['formats', 'registry'].map((name) => path.join(root, 'packages', name));
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'bidl-packed-'));
  for (const source of PACKED) {
    if (!existsSync(path.join(source, 'dist')))
      throw new Error(`${source} has not been built. Run: npm run setup`);
  }
  const tarballs = path.join(folder, 'tarballs');
  mkdirSync(tarballs);
  npm(folder, 'pack', ...PACKED, ...foreign(PACKED), '--pack-destination', tarballs);
  const files = execFileSync('ls', [tarballs], { encoding: 'utf8' }).trim().split('\n');
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ name: 'user', private: true }));
  npm(folder, 'install', '--offline', ...files.map((file) => path.join(tarballs, file)));
}, 180_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('holds the build and the sources, and no specs', () => {
  for (const name of ['formats', 'registry']) {
    const installed = path.join(folder, 'node_modules/@bidl', name);
    for (const file of [
      'dist/index.js',
      'dist/index.cjs',
      'dist/index.d.ts',
      'dist/index.d.cts',
      'README.md',
      'src/index.ts',
    ]) {
      expect([name, file, existsSync(path.join(installed, file))]).toEqual([name, file, true]);
    }
    expect(execFileSync('find', [installed, '-name', '*.spec.ts'], { encoding: 'utf8' })).toBe('');
  }
});

const USE = `
const array = ndarray(Float32Array.of(1, 2, 3, 4), [2, 2]);
const back = readNpy(writeNpy(array));
console.log(JSON.stringify([back.shape, [...back.data].map(Number), suggest('Lif2', ['Lif2d', 'Conv2d'])]));
`;
const WANTED = [[2, 2], [1, 2, 3, 4], 'Lif2d'];

it('can be imported as ESM', () => {
  const code = `import { ndarray, readNpy, writeNpy } from '@bidl/formats';\nimport { suggest } from '@bidl/registry';\n${USE}`;
  expect(runNode('use.mjs', code)).toEqual(WANTED);
});

it('can be required as CommonJS', () => {
  const code = `const { ndarray, readNpy, writeNpy } = require('@bidl/formats');\nconst { suggest } = require('@bidl/registry');\n${USE}`;
  expect(runNode('use.cjs', code)).toEqual(WANTED);
});

it('is typed, for ESM and for CommonJS', () => {
  const code = `import { ndarray, readNpy, type NdArray } from '@bidl/formats';
import { suggest } from '@bidl/registry';
export const array: NdArray<Float32Array> = ndarray(new Float32Array(4), [2, 2]);
export const shape: readonly number[] = readNpy(new Uint8Array()).shape;
export const name: string | undefined = suggest('a', ['b']);
export const wrong: string = array.shape;
`;
  // The last line, and nothing but it, is refused: types that were not found would let it pass as `any`.
  const complaints = typeCheck({ 'typed.mts': code, 'typed.cts': code });
  expect(complaints).toEqual([
    expect.stringContaining('typed.cts(6,14): error TS2322'),
    expect.stringContaining('typed.mts(6,14): error TS2322'),
  ]);
});

/** Folders of everything the packages depend on outside of this repository, dependencies of dependencies included. */
function foreign(folders: readonly string[]): string[] {
  const found = new Set<string>();
  const visit = (from: string): void => {
    const { dependencies = {} } = JSON.parse(readFileSync(path.join(from, 'package.json'), 'utf8')) as {
      dependencies?: Record<string, string>;
    };
    for (const name of Object.keys(dependencies)) {
      const target = installed(name, from);
      if (name.startsWith('@bidl/') || found.has(target)) continue;
      found.add(target);
      visit(target);
    }
  };
  folders.forEach(visit);
  return [...found];
}

/** Where Node finds a package from a folder: in the nearest `node_modules` above it. */
function installed(name: string, from: string): string {
  const candidate = path.join(from, 'node_modules', name);
  return from === root || existsSync(candidate) ? candidate : installed(name, path.dirname(from));
}

/** npm as on a user's machine: without what an npm around this test says. */
function npm(cwd: string, ...args: string[]): void {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));
  execFileSync('npm', [...args, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

function runNode(file: string, code: string): unknown {
  writeFileSync(path.join(folder, file), code);
  return JSON.parse(execFileSync(process.execPath, [file], { cwd: folder, encoding: 'utf8' }));
}

/** What tsc complains about, one entry per error. */
function typeCheck(files: Record<string, string>): string[] {
  for (const [file, code] of Object.entries(files)) writeFileSync(path.join(folder, file), code);
  const tsc = path.join(root, 'node_modules/typescript/bin/tsc');
  const flags = [
    '--pretty',
    'false',
    '--noEmit',
    '--strict',
    '--skipLibCheck',
    '--target',
    'es2022',
    '--module',
    'nodenext',
  ];
  const options = { cwd: folder, encoding: 'utf8' as const };
  try {
    return [execFileSync(process.execPath, [tsc, ...flags, ...Object.keys(files)], options)].filter(Boolean);
  } catch (error) {
    return (error as { stdout: string }).stdout.match(/^\S.*error TS.*$/gm)?.sort() ?? [String(error)];
  }
}

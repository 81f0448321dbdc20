import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildOps, opsPath } from './build.js';
import { KernelError } from './errors.js';
import { loadOps } from './load.js';
import { sourceHash, units } from './sources.js';

let folder: string;
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'bidl-kernels-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** An executable file in the test's folder. */
function program(name: string, script: string): string {
  const file = path.join(folder, name);
  writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return file;
}

test('without a compiler it says how to get one, and leaves nothing', async () => {
  const building = buildOps({
    tensorflowDir: folder,
    cacheDir: path.join(folder, 'cache'),
    compiler: 'no-such-compiler',
  });
  await expect(building).rejects.toThrow(KernelError);
  await expect(building).rejects.toThrow(/"no-such-compiler" was not found.*apt-get install g\+\+/);
  expect(readdirSync(path.join(folder, 'cache', 'ops'))).toEqual([]);
});

test('a compiler that fails is quoted, and leaves nothing', async () => {
  const compiler = program('cc', 'echo "fatal error: tensorflow/c/ops.h: No such file" >&2; exit 1');
  await expect(
    buildOps({ tensorflowDir: folder, cacheDir: path.join(folder, 'cache'), compiler }),
  ).rejects.toThrow(/compiling .*\.cc failed: fatal error: tensorflow\/c\/ops\.h/);
  expect(readdirSync(path.join(folder, 'cache', 'ops'))).toEqual([]);
});

test('compiles every unit once, then takes the build from the cache', async () => {
  const log = path.join(folder, 'log');
  const compiler = program(
    'cc',
    `echo run >> ${log}; while [ "$1" != "-o" ]; do shift; done; echo built > "$2"`,
  );
  const options = { tensorflowDir: folder, cacheDir: path.join(folder, 'cache'), compiler };
  const first = await buildOps(options);
  expect(first).toEqual({ path: opsPath(options.cacheDir), built: true });
  expect(existsSync(first.path)).toBe(true);
  rmSync(compiler);
  expect(await buildOps(options)).toEqual({ path: first.path, built: false });
  expect(readdirSync(path.join(folder, 'cache', 'ops'))).toEqual([sourceHash()]);
});

test('contraction is off, and what others may run is never compiled for this machine alone', () => {
  const flags = units('x64').flatMap((unit) => unit.flags);
  expect(flags.some((flag) => flag.includes('native'))).toBe(false);
  expect(units('x64').filter((unit) => unit.source === 'max_pool/max_pool.cc')).toHaveLength(3);
  expect(
    units('arm64')
      .filter((unit) => unit.source === 'max_pool/max_pool.cc')
      .map((unit) => unit.object),
  ).toEqual(['max_pool_baseline.o']);
});

test('code for the weakest instruction set is linked first: its copies of shared templates win', () => {
  const sets = units('x64').map(({ flags }) => ['-mavx512f', '-mavx2'].findIndex((f) => flags.includes(f)));
  const strength = sets.map((set) => [0, 2, 1][set + 1]);
  expect(strength).toEqual([...strength].sort());
  expect(new Set(strength)).toEqual(new Set([0, 1, 2]));
});

test('a damaged library is named, with the remedy', () => {
  const file = path.join(folder, 'bidl_ops.node');
  writeFileSync(file, 'not a library');
  expect(() => loadOps(file)).toThrow(KernelError);
  expect(() => loadOps(file)).toThrow(/bidl_ops\.node can't be loaded.*bidl engine install/);
});

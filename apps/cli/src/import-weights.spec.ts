import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { codeBlocks } from '@bidl/testing';
import ts from 'typescript';

import { ROOT, runBidl, type Ended } from './run-bidl.js';

const GUIDE = codeBlocks(readFileSync(path.join(ROOT, 'docs/guides/import-weights.md'), 'utf8'));
const CONFIG = 'examples/pytorch-weights/clif3fc3dm_itout-b16x1-digits8.ts';

let folder: string;
const bidl = (...args: string[]) => runBidl(args, { cwd: folder });
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'bidl-import-'));
  for (const name of ['examples', 'fixtures', 'node_modules'])
    symlinkSync(path.join(ROOT, name), path.join(folder, name));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs one line of a `sh` block. */
async function shell(line: string): Promise<Ended> {
  const [command = '', ...args] = line.split(' ');
  if (command === 'bidl') return bidl(...args);
  const { status: code, stdout, stderr } = spawnSync(command, args, { cwd: folder, encoding: 'utf8' });
  return { code, stdout, stderr };
}

/** Runs a `ts` block as a program of its own, with the built packages. */
function program(code: string): Ended {
  const file = path.join(folder, 'guide.mjs');
  const { outputText } = ts.transpileModule(code, { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 } }); // prettier-ignore
  writeFileSync(file, outputText);
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], { cwd: folder, encoding: 'utf8' });
  return { code: status, stdout, stderr };
}

describe('docs/guides/import-weights.md', () => {
  let printed = '';

  it('its commands do what it says', async () => {
    const lines = GUIDE.filter(({ language }) => language === 'sh').flatMap(({ code }) =>
      code.trim().split('\n'),
    );
    expect(lines).toHaveLength(7);
    for (const line of lines) {
      const { code, stdout, stderr } = await shell(line);
      expect({ line, code, stderr: code === 0 ? '' : stderr }).toEqual({ line, code: 0, stderr: '' });
      printed += stdout;
    }
    expect(printed).toContain('against the reference executor: equal to the bit');
    expect(printed).toContain('latest.safetensors: 36 weights taken, 3 keys of no use here');
    const accuracies = [...printed.matchAll(/^clif3fc3dm\S*: (top-1 .*) on 12 samples/gm)].map(
      ([, found]) => found,
    );
    expect(accuracies).toHaveLength(2);
    expect(accuracies[1]).toBe(accuracies[0]);
  });

  it('shows what they print', () => {
    const shown =
      GUIDE.find(({ language }) => language === 'text')
        ?.code.trim()
        .split('\n') ?? [];
    expect(shown).toHaveLength(4);
    for (const line of shown) expect(printed).toContain(`${line}\n`);
  });

  it('its program runs', () => {
    const [block, ...more] = GUIDE.filter(({ language }) => language === 'ts');
    expect(more).toEqual([]);
    const { code, stdout, stderr } = program(block!.code);
    expect({ code, stdout, stderr: code === 0 ? '' : stderr }).toEqual({
      code: 0,
      stdout: '36 weights, 3 keys of no use here\n',
      stderr: '',
    });
  });
});

describe('bidl import', () => {
  it('gives every key as JSON', async () => {
    const { code, stdout } = await bidl(
      'import',
      'latest.pth',
      '--config',
      CONFIG,
      '--out',
      'j.safetensors',
      '--json',
    );
    expect(code).toBe(0);
    const { mapped, ...rest } = JSON.parse(stdout) as { mapped: { from: string; to: string }[] };
    expect(mapped).toHaveLength(36);
    expect(rest).toMatchObject({ out: path.join(folder, 'j.safetensors'), unused: [], missing: [] });
  });

  it('other pipelines are given the same weights', async () => {
    const input = path.join(folder, 'data/event-digits/Test/3');
    const [file = ''] = readdirSync(input);
    const predict = async (checkpoint: string) => {
      const { stdout } = await bidl(
        'predict',
        CONFIG,
        path.join(input, file),
        '--checkpoint',
        checkpoint,
        '--json',
      );
      return (JSON.parse(stdout) as { predictions: unknown }).predictions;
    };
    expect(await predict('latest.pth')).toEqual(await predict('latest.safetensors'));
    expect(await bidl('compile', CONFIG, '--checkpoint', 'latest.pth')).toMatchObject({ code: 0 });
  });

  it.each([
    [['latest.pth', '--config', CONFIG], 'latest.safetensors is there already. Say with --out'],
    [
      ['fixtures/golden/checkpoints/hostile.pth', '--config', CONFIG, '--out', 'x'],
      'posix.system is not allowed',
    ],
  ])('%j fails and writes nothing', async (args, message) => {
    const before = readdirSync(folder);
    const { code, stdout, stderr } = await bidl('import', ...args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(readdirSync(folder)).toEqual(before);
  });
});

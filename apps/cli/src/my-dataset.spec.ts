import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { ROOT, runBidl } from './run-bidl.js';

const EXAMPLE = path.join(ROOT, 'examples/my-dataset');
const CONFIG = './clif3fc3dm_itout-b16x2-mydataset.ts';

let work: string;
beforeAll(() => {
  work = mkdtempSync(path.join(tmpdir(), 'bidl-example-'));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

const train = (folder: string, ...options: string[]) => [
  'train',
  CONFIG,
  '--work-dir',
  path.join(work, folder),
  ...options,
];

describe('examples/my-dataset', () => {
  it('trains and tests a data set of its own through the command line', async () => {
    const trained = await runBidl(train('run', '--seed', '1', '--cfg-options', 'runner.max_epochs=3'), {
      cwd: EXAMPLE,
    });
    expect(trained).toMatchObject({ code: 0 });
    expect(trained.stdout).toContain('loss: ');
    expect(trained.stdout).toMatch(/Best on validation: top-1 \d+\.\d+ %/);
    expect(readdirSync(path.join(work, 'run'))).toEqual(
      expect.arrayContaining(['best.safetensors', 'latest.safetensors', 'config.json']),
    );

    const checkpoint = path.join(work, 'run/best.safetensors');
    const tested = await runBidl(['test', '--config', CONFIG, '--checkpoint', checkpoint, '--json'], {
      cwd: EXAMPLE,
    });
    expect(tested).toMatchObject({ code: 0 });
    expect(tested.stdout.match(/\n/g)).toHaveLength(1);
    const result = JSON.parse(tested.stdout) as Record<string, unknown>;
    expect(Object.keys(result)).toEqual(['config', 'checkpoint', 'samples', 'top1', 'top5', 'fps', 'engine']);
    expect(result).toMatchObject({ config: 'clif3fc3dm_itout-b16x2-mydataset', checkpoint, samples: 200 });
    expect(result['top1']).toBeGreaterThan(50);
    expect(result['fps']).toBeGreaterThan(0);
  });

  it('takes no more lines than in Python', () => {
    const lines = readFileSync(path.join(EXAMPLE, 'my-dataset.ts'), 'utf8')
      .split('\n')
      .filter((line) => line.trim() !== '');
    // The manual's Python: one import, 15 lines of class, and two lines of __init__.py that register it.
    expect(lines.length).toBeLessThanOrEqual(18);
  });

  it('stops on Ctrl-C after its step, with exit code 130 and a word on how to go on', async () => {
    let isStopped = false;
    const ended = await runBidl(
      train('stopped', '--no-validate', '--cfg-options', 'runner.max_epochs=2000'),
      {
        cwd: EXAMPLE,
        onOutput: (text, child) => {
          if (isStopped || !text.includes('Epoch [2/')) return;
          isStopped = true;
          child.kill('SIGINT');
        },
      },
    );
    expect(ended.code).toBe(130);
    expect(ended.stderr).toContain('Stopping after this step.');
    expect(ended.stderr).toMatch(/InterruptedError: stopped in epoch \d+ .*--resume-from/);
  });

  it('tells of a checkpoint that is not there', async () => {
    const { code, stdout, stderr } = await runBidl(
      ['test', CONFIG, '--checkpoint', 'none.safetensors', '--json'],
      {
        cwd: EXAMPLE,
      },
    );
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('none.safetensors');
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { ROOT, runBidl } from './run-bidl.js';

const EXAMPLE = path.join(ROOT, 'examples/my-neuron');
const CONFIG = './mynetwork-b16x2-mydataset.ts';

let work: string;
beforeAll(() => {
  work = mkdtempSync(path.join(tmpdir(), 'bidl-neuron-'));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

const bidl = async (...args: string[]) => {
  const ended = await runBidl(args, { cwd: EXAMPLE });
  expect(ended).toMatchObject({ code: 0 });
  return ended.stdout;
};

describe('examples/my-neuron', () => {
  it('trains, compiles and deploys a neuron of its own through the command line', async () => {
    const run = path.join(work, 'run');
    await bidl(
      'train',
      CONFIG,
      '--work-dir',
      run,
      '--seed',
      '1',
      '--no-validate',
      '--cfg-options',
      'runner.max_epochs=3',
    );
    const checkpoint = ['--checkpoint', path.join(run, 'latest.safetensors')];
    const tested = JSON.parse(await bidl('test', CONFIG, ...checkpoint, '--json')) as Record<string, number>;
    expect(tested['top1']).toBeGreaterThan(80);

    // The network step by step, on the simulated device: bit by bit what the reference executor computes, and the
    // host's own predictions.
    const out = ['--out', path.join(work, 'artifact')];
    const deployed = JSON.parse(await bidl('deploy', CONFIG, ...checkpoint, ...out, '--json')) as object;
    expect(deployed).toMatchObject({
      simulator_equal: true,
      host_flips_unexplained: 0,
      predictions_differ: 0,
      top1: tested['top1'],
    });
  }, 240_000);

  it('is short', () => {
    const lines = readFileSync(path.join(EXAMPLE, 'my-neuron.ts'), 'utf8')
      .split('\n')
      .filter((line) => line.trim() !== '' && !line.startsWith('//'));
    expect(lines.length).toBeLessThanOrEqual(15);
  });
});

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEngine } from '@bidl/engine';
import { saveFile } from '@bidl/formats';
import { applyOptimizer, applyWeights } from '../checkpoint/apply.js';
import { readCheckpoint } from '../checkpoint/read.js';
import { CheckpointError } from '../checkpoint/errors.js';
import { EpochBasedRunner } from '../loop/epoch-based-runner.js';
import { createOptimizer } from '../optimizers/optimizer.js';
import '../optimizers/builtin.js';
import '../schedules/builtin.js';
import { createSchedule } from '../schedules/schedule.js';
import { tinyLoader, tinyNetwork } from '../testing/tiny.js';
import { checkpointHook, type CheckpointHookOptions } from './checkpoint-hook.js';
import { historyHook } from './history-hook.js';
import type { Hook } from './hook.js';
import { lrHook } from './lr-hook.js';
import { optimizerHook } from './optimizer-hook.js';

let dir = '';
beforeAll(() => startEngine());
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'bidl-run-'))));
afterEach(() => rmSync(dir, { recursive: true }));

const facts = {
  producer: {
    name: '@bidl/runner',
    version: '0.1.0',
    backend: 'tensorflow',
    fused: true,
    threads: 2,
    cpuFeatures: [],
  },
  seed: 0,
  classes: [],
  configName: 'tiny',
  config: {},
};
/** Validation whose top-1 is given. */
const scored = (top1s: readonly number[]): Hook => ({
  afterEpoch(runner) {
    const top1 = top1s[runner.epoch - 1] ?? 0;
    runner.validation = { loss: 1, top1, top5: 100 };
    if (runner.best === null || top1 > runner.best.top1) runner.best = { epoch: runner.epoch, top1 };
  },
});

function runnerOf(
  maxEpochs: number,
  hooks: readonly Hook[] = [],
  options: Partial<CheckpointHookOptions> = {},
) {
  const classifier = tinyNetwork();
  const loader = tinyLoader();
  const optimizer = createOptimizer({ type: 'SGD', lr: 0.1, momentum: 0.9 }, classifier.weights());
  const context = { baseLr: 0.1, maxEpochs: 4, itersPerEpoch: loader.batches };
  const schedules = [createSchedule({ policy: 'CosineAnnealing', warmup_iters: 6 }, context)];
  return new EpochBasedRunner({
    classifier,
    loader,
    optimizer,
    schedules,
    maxEpochs,
    hooks: [
      lrHook(),
      optimizerHook(),
      ...hooks,
      historyHook(),
      checkpointHook({ workDir: dir, facts, ...options }),
    ],
  });
}
const latest = () => join(dir, 'latest.safetensors');
const best = () => join(dir, 'best.safetensors');
const epochOf = (path: string) => readCheckpoint(path).meta?.epoch;

it('writes latest at its interval and at the end, best when validation improved, ties keeping the earlier', async () => {
  const seen: (number | undefined)[][] = [];
  const look: Hook = {
    beforeEpoch: (r) =>
      void (
        r.epoch > 0 &&
        seen.push(
          [latest(), best()].map((p) =>
            readdirSync(dir).includes(p.slice(dir.length + 1)) ? epochOf(p) : undefined,
          ),
        )
      ),
  };
  await runnerOf(5, [scored([50, 50, 80, 70, 80]), look], { interval: 2 }).run();
  expect(seen).toEqual([
    [undefined, 1],
    [2, 1],
    [2, 3],
    [4, 3],
  ]);
  expect([epochOf(latest()), epochOf(best())]).toEqual([5, 3]);
  expect(readdirSync(dir).sort()).toEqual(['best.safetensors', 'latest.safetensors']);
});

it('writes no best without validation', async () => {
  await runnerOf(1).run();
  expect(readdirSync(dir)).toEqual(['latest.safetensors']);
});

it('an interrupted run that is resumed ends with the same bits as an unbroken one', async () => {
  const unbroken = runnerOf(4);
  await unbroken.run();
  await runnerOf(2).run();
  const file = readCheckpoint(latest());
  const resumed = runnerOf(4);
  applyWeights(resumed.classifier, file);
  applyOptimizer(resumed.optimizer, file);
  file.meta!.schedules.forEach((state, i) => resumed.schedules[i]!.load(state));
  resumed.restore(file.meta!);
  await resumed.run();
  const values = (r: EpochBasedRunner) =>
    r.classifier.weights().map((w) => Array.from(w.variable.dataSync()));
  expect(values(resumed)).toEqual(values(unbroken));
  expect(resumed.history.map((h) => [h.epoch, h.lr, h.train])).toEqual(
    unbroken.history.map((h) => [h.epoch, h.lr, h.train]),
  );
});

describe('when the disk is full', () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  // fails the way a full disk does: some bytes are written aside, then the write throws
  const failing = (path: string, bytes: Uint8Array) =>
    saveFile(path, bytes, async () => {
      throw full;
    });

  it('keeps the old checkpoint, names the error and the remedy', async () => {
    await runnerOf(1).run();
    const before = readFileSync(latest());
    const runner = runnerOf(2, [], { save: failing });
    runner.lastCheckpoint = latest();
    const run = runner.run();
    await expect(run).rejects.toThrow(CheckpointError);
    await expect(run).rejects.toThrow(
      /could not be saved: .*disk is full.* needs .* MiB.*untouched.*--resume-from /s,
    );
    expect(readFileSync(latest()).equals(before)).toBe(true);
    expect(readdirSync(dir)).toEqual(['latest.safetensors']);
  });

  it('says so when there was none yet', async () => {
    await expect(runnerOf(1, [], { save: failing }).run()).rejects.toThrow(
      /No checkpoint had been saved before/,
    );
  });
});

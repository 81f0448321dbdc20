import { startEngine, tf } from '@bidl/engine';
import { MOMENTS, type Hook } from '../hooks/hook.js';
import { historyHook } from '../hooks/history-hook.js';
import { loggerHook } from '../hooks/logger-hook.js';
import { lrHook } from '../hooks/lr-hook.js';
import { optimizerHook } from '../hooks/optimizer-hook.js';
import { validationHook } from '../hooks/validation-hook.js';
import '../optimizers/builtin.js';
import { createOptimizer } from '../optimizers/optimizer.js';
import type { IterReport } from '../reporter.js';
import '../schedules/builtin.js';
import { createSchedule } from '../schedules/schedule.js';
import { tinyLoader, tinyNetwork } from '../testing/tiny.js';
import { EpochBasedRunner, type RunnerParts } from './epoch-based-runner.js';
import { InterruptedError, NonFiniteLossError } from './errors.js';
import { runners } from './runners.js';

beforeAll(() => startEngine());

function runnerOf({
  maxEpochs = 2,
  extra = [],
  optimizerConfig = { type: 'Adam', lr: 0.05 } as object,
  ...parts
}: { maxEpochs?: number; extra?: readonly Hook[]; optimizerConfig?: object } & Partial<RunnerParts> = {}) {
  const classifier = parts.classifier ?? tinyNetwork();
  const loader = parts.loader ?? tinyLoader();
  const optimizer = createOptimizer(optimizerConfig, classifier.weights());
  const context = { baseLr: 0.05, maxEpochs, itersPerEpoch: loader.batches };
  const schedules = [createSchedule({ policy: 'CosineAnnealing', warmup_iters: 3 }, context)];
  return new EpochBasedRunner({
    ...parts,
    classifier,
    loader,
    optimizer,
    schedules,
    maxEpochs,
    hooks: [lrHook(), optimizerHook({ grad_clip: { max_norm: 5 } }), ...extra],
  });
}

it('learns', async () => {
  const runner = runnerOf({ maxEpochs: 15, extra: [validationHook(tinyLoader()), historyHook()] });
  await runner.run();
  expect(runner.best?.top1).toBeGreaterThan(90);
  expect(runner.history.at(-1)!.train.loss).toBeLessThan(runner.history[0]!.train.loss);
});

it('calls hooks at their moments, in the order they were given', async () => {
  const seen: string[] = [];
  const spy = (id: string): Hook =>
    Object.fromEntries(
      MOMENTS.map((moment) => [
        moment,
        (r: EpochBasedRunner) => void seen.push(`${id}${moment} ${r.epoch}.${r.innerIter}.${r.iter}`),
      ]),
    );
  await runnerOf({ loader: tinyLoader({ samples: 10 }), extra: [spy(''), spy('second ')] }).run();
  const expected = [
    'beforeRun 0.0.0',
    'beforeEpoch 0.0.0',
    'beforeIter 0.0.0',
    'afterIter 0.1.1',
    'beforeIter 0.1.1',
    'afterIter 0.2.2',
    'afterEpoch 1.2.2',
    'beforeEpoch 1.0.2',
    'beforeIter 1.0.2',
    'afterIter 1.1.3',
    'beforeIter 1.1.3',
    'afterIter 1.2.4',
    'afterEpoch 2.2.4',
    'afterRun 2.2.4',
  ];
  expect(seen).toEqual(expected.flatMap((line) => [line, `second ${line}`]));
});

it('holds as many tensors after 10 as after 200 iterations', async () => {
  const counts = new Map<number, number>();
  const count: Hook = { beforeIter: (r) => void counts.set(r.iter, tf.memory().numTensors) };
  const runner = runnerOf({
    maxEpochs: 51,
    loader: tinyLoader({ samples: 30 }),
    optimizerConfig: { type: 'SGD', lr: 0.01, momentum: 0.9, nesterov: true, weight_decay: 1e-4 },
    extra: [validationHook(tinyLoader(), 7), historyHook(), loggerHook({ interval: 3 }), count],
  });
  await runner.run();
  expect(runner.iter).toBe(204);
  expect(counts.get(200)).toBe(counts.get(10));
});

it('weighs samples, not batches, in its means, and releases every batch', async () => {
  let released = 0;
  const loader = tinyLoader({ samples: 10, batchSize: 8, onRelease: () => (released += 1) });
  const runner = runnerOf({ maxEpochs: 1, loader });
  await runner.run();
  expect(runner.score.samples).toBe(10);
  expect(released).toBe(2);
  expect((runner.score.mean().top1 * 10) / 100).toBeCloseTo(
    Math.round((runner.score.mean().top1 * 10) / 100),
    9,
  );
});

it('remembers the earlier of two equally good epochs', async () => {
  const runner = runnerOf({
    maxEpochs: 3,
    optimizerConfig: { type: 'SGD', lr: 0 },
    extra: [validationHook(tinyLoader())],
  });
  await runner.run();
  expect(runner.best?.epoch).toBe(1);
});

it('starts where it left off: epochs, iterations, rates and the order of the data', async () => {
  const loader = tinyLoader();
  const runner = runnerOf({ maxEpochs: 3, loader });
  runner.restore({ epoch: 1, iter: 4, best: { epoch: 1, top1: 50 }, history: [] });
  await runner.run();
  expect(loader.epochs).toEqual([1, 2]);
  expect(runner.iter).toBe(12);
});

it('tells the network how many iterations were done, for noise that depends on it', async () => {
  const network = tinyNetwork();
  const runner = runnerOf({ maxEpochs: 2, classifier: network });
  runner.restore({ epoch: 1, iter: 40, best: null, history: [] });
  await runner.run();
  expect(network.iteration).toBe(43);
});

it('names epoch, iteration and remedy when the loss is no longer a number, and does not update', async () => {
  const network = tinyNetwork();
  const poison: Hook = {
    beforeIter: (r) => {
      if (r.iter === 5) network.weights()[1]!.variable.assign(tf.fill([3], NaN));
    },
  };
  const before = tf.memory().numTensors;
  const runner = runnerOf({ maxEpochs: 3, classifier: network, extra: [poison] });
  runner.lastCheckpoint = 'work/latest.safetensors';
  const failing = runner.run();
  await expect(failing).rejects.toThrow(NonFiniteLossError);
  await expect(failing).rejects.toThrow(
    /loss is NaN at epoch 2, iteration 2 .*grad_clip.*untouched: work\/latest\.safetensors/,
  );
  runner.optimizer.dispose();
  expect(tf.memory().numTensors).toBe(before + 1); // the poison
});

it('stops after the current iteration when asked, and says how to go on', async () => {
  const stop = new AbortController();
  const asking: Hook = { afterIter: (r) => void (r.iter === 6 && stop.abort()) };
  const runner = runnerOf({ signal: stop.signal, extra: [asking] });
  runner.lastCheckpoint = 'work/latest.safetensors';
  const failing = runner.run();
  await expect(failing).rejects.toThrow(InterruptedError);
  await expect(failing).rejects.toThrow(/epoch 2 after iteration 2.*--resume-from work\/latest\.safetensors/);
  expect(runner.iter).toBe(6);
});

it('lets timers and signals in while it trains', async () => {
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 5);
  const runner = runnerOf({ signal: stop.signal, loader: tinyLoader({ samples: 80_000 }) });
  await expect(runner.run()).rejects.toThrow(InterruptedError);
  expect(runner.epoch).toBe(0);
});

it('reports and logs', async () => {
  const lines: string[] = [];
  const reports: IterReport[] = [];
  let time = 0;
  const runner = runnerOf({
    extra: [loggerHook({ interval: 3 })],
    log: (line) => lines.push(line),
    reporter: { onIter: (report) => reports.push(report) },
    now: () => (time += 250),
  });
  await runner.run();
  expect(lines).toHaveLength(4);
  expect(lines[0]).toMatch(
    /^Epoch \[1\/2\]\[3\/4\]\tlr: 0\.035 top-1: \d+\.\d\d top-5: 100\.00 loss: \d\.\d{4} time: 0\.250 eta: 0:00:01$/,
  );
  expect(lines[1]).toMatch(/^Epoch \[1\/2\]\[4\/4\]/);
  expect(reports.map((r) => [r.epoch, r.iter, r.eta])).toEqual(
    [7, 6, 5, 4, 3, 2, 1, 0].map((left, i) => [Math.floor(i / 4) + 1, (i % 4) + 1, left * 0.25]),
  );
});

it('is found by its name', () => {
  expect(runners.types()).toContain('EpochBasedRunner');
  expect(() => runners.build({ type: 'EpochBasedRunner', max_epoch: 3 }, {} as RunnerParts)).toThrow(
    /max_epochs/,
  );
});

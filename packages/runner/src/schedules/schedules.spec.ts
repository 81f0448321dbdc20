import { expectClose } from '@bidl/testing';
import './builtin.js';
import { createSchedule, ScheduleError, type EpochMetrics, type LrConfig } from './schedule.js';

const context = { baseLr: 1, maxEpochs: 4, itersPerEpoch: 3 };

function rates(config: LrConfig | null, { maxEpochs, itersPerEpoch } = context): number[] {
  const schedule = createSchedule(config, { ...context, maxEpochs, itersPerEpoch });
  return Array.from({ length: maxEpochs }, () => {
    const epoch = Array.from({ length: itersPerEpoch }, () => schedule.beforeIter());
    schedule.afterEpoch();
    return epoch;
  }).flat();
}
const perEpoch = (config: LrConfig, maxEpochs: number) =>
  rates(config, { ...context, maxEpochs, itersPerEpoch: 1 });

describe("policies in mmcv's style", () => {
  it('CosineAnnealing reaches down over all epochs by default', () => {
    const want = [1, (1 + Math.SQRT1_2) / 2, 0.5, (1 - Math.SQRT1_2) / 2];
    expectClose(perEpoch({ policy: 'CosineAnnealing', min_lr: 0 }, 4), want, 1e-12);
  });
  it('CosineAnnealing stays at its floor after T_max, where torch climbs again', () => {
    const [, , third, fourth] = perEpoch({ policy: 'CosineAnnealing', T_max: 2, min_lr: 0.1 }, 4);
    expectClose([third!, fourth!], [0.1, 0.1], 1e-12);
    expect(perEpoch({ policy: 'CosineAnnealingLR', T_max: 2, eta_min: 0.1 }, 4)[3]).toBeCloseTo(0.55);
  });
  it('CosineAnnealing by iteration', () => {
    const got = rates({ policy: 'CosineAnnealing', by_epoch: false });
    expectClose(
      got,
      Array.from({ length: 12 }, (_, i) => (1 + Math.cos((Math.PI * i) / 12)) / 2),
      1e-12,
    );
  });
  it('Step takes a period or a list', () => {
    expectClose(perEpoch({ policy: 'Step', step: 2 }, 5), [1, 1, 0.1, 0.1, 0.01], 1e-12);
    expectClose(perEpoch({ policy: 'step', step: [1, 3], gamma: 0.5 }, 4), [1, 0.5, 0.5, 0.25], 1e-12);
    expectClose(perEpoch({ policy: 'MultiStep', milestones: [1], min_lr: 0.2 }, 2), [1, 0.2], 1e-12);
  });
  it('Exp, fixed, and no config at all', () => {
    expectClose(perEpoch({ policy: 'Exp', gamma: 0.5 }, 3), [1, 0.5, 0.25], 1e-12);
    expect(perEpoch({ policy: 'constant' }, 2)).toEqual([1, 1]);
    expect(rates(null).every((lr) => lr === 1)).toBe(true);
  });
});

describe('warm-up', () => {
  const warm = { warmup: 'linear', warmup_iters: 4, warmup_ratio: 0.2, gamma: 0.1 };
  it('keeps a decay that falls into it under mmcv names', () => {
    const got = rates({ policy: 'MultiStep', milestones: [1], ...warm });
    expectClose(got.slice(0, 6), [0.2, 0.4, 0.6, 0.08, 0.1, 0.1], 1e-12);
  });
  it('overwrites it under torch names, as upstream does', () => {
    const got = rates({ policy: 'MultiStepLR', milestones: [1], ...warm });
    expectClose(got.slice(0, 6), [0.2, 0.4, 0.6, 0.8, 1, 1], 1e-12);
  });
  it('constant, exp, and counted in epochs', () => {
    const keys = { policy: 'fixed', warmup_iters: 2, warmup_ratio: 0.25 };
    expectClose(rates({ ...keys, warmup: 'constant' }).slice(0, 3), [0.25, 0.25, 1], 1e-12);
    expectClose(rates({ ...keys, warmup: 'exp' }).slice(0, 3), [0.25, 0.5, 1], 1e-12);
    expect(rates({ ...keys, warmup: 'constant', warmup_by_epoch: true }).indexOf(1)).toBe(6);
  });
});

it.each([
  { policy: 'CosineAnnealing', by_epoch: false, warmup_iters: 5 },
  { policy: 'CosineAnnealingLR', T_max: 2, warmup_iters: 5 },
  { policy: 'StepLR', step_size: 1, warmup_iters: 2 },
  { policy: 'OneCycleLR', max_lr: 3, by_epoch: false, cycle_momentum: false },
  { policy: 'CosineAnnealingWarmRestarts', T_0: 2 },
  { policy: 'ReduceLROnPlateau', patience: 0, factor: 0.5, warmup_iters: 4 },
  { policy: 'Cyclic', cyclic_times: 2 },
])('goes on exactly from a saved state: $policy', (config) => {
  const unbroken = createSchedule(config, context);
  const spend = (schedule: typeof unbroken) => {
    const seen = [0, 1, 2].map(() => schedule.beforeIter());
    return [...seen, schedule.afterEpoch({ train: { loss: 1, top1: 50, top5: 100 } })];
  };
  spend(unbroken);
  const resumed = createSchedule(config, context);
  resumed.load(unbroken.state());
  expect([spend(resumed), spend(resumed)]).toEqual([spend(unbroken), spend(unbroken)]);
});

describe('Plateau', () => {
  const rate = (config: object, validates: boolean, epochs: readonly EpochMetrics[]) => {
    const schedule = createSchedule(
      { policy: 'Plateau', patience: 0, factor: 0.5, ...config },
      { ...context, validates },
    );
    return epochs.map((metrics) => schedule.afterEpoch(metrics));
  };
  const score = (top1: number) => ({ loss: 1, top1, top5: 100 });

  it('follows validation where there is one, and lets epochs without it pass', () => {
    const epochs = [
      { train: score(10), validation: score(50) },
      { train: score(20) },
      { train: score(30), validation: score(40) },
    ];
    expect(rate({ monitor: 'top-1' }, true, epochs)).toEqual([1, 1, 0.5]);
    expect(rate({ monitor: 'top-1' }, false, epochs)).toEqual([1, 1, 1]);
  });
  it('keeps accuracies growing and losses falling unless told otherwise', () => {
    const growing = [{ train: { loss: 1, top1: 1, top5: 1 } }, { train: { loss: 2, top1: 2, top5: 2 } }];
    expect(rate({ monitor: 'top-5' }, false, growing)).toEqual([1, 1]);
    expect(rate({ monitor: 'loss' }, false, growing)).toEqual([1, 0.5]);
    expect(rate({ monitor: 'loss', mode: 'max' }, false, growing)).toEqual([1, 1]);
  });
});

it('says what is wrong', () => {
  const build = (config: LrConfig) => () => createSchedule(config, context);
  expect(build({ policy: 'CosineAnealing' })).toThrow(
    /lr_config\.policy "CosineAnealing" is unknown.*CosineAnnealing/,
  );
  expect(build({ policy: 'StepLR', step_sise: 3 })).toThrow(/lr_config\.step_sise.*step_size/);
  expect(build({ policy: 'CosineAnnealing', warmup_iter: 3 })).toThrow(
    /lr_config\.warmup_iter.*warmup_iters/,
  );
  expect(build({ policy: 'CosineRestart', periods: [1, 2] })).toThrow(
    /lr_config\.periods cover 3 steps of 4/,
  );
  expect(build({ policy: 'CosineRestart', periods: [4], restart_weights: [1, 1] })).toThrow(
    /lr_config\.restart_weights has 2 numbers, periods has 1/,
  );
  expect(build({ policy: 'OneCycle', max_lr: 1, total_steps: 5 })).toThrow(
    /lr_config\.total_steps is 5, the run takes 12 iterations/,
  );
  expect(build({ policy: 'CyclicLR', base_lr: 0.1, max_lr: 1 })).toThrow(
    /lr_config\.cycle_momentum needs an optimizer with momentum or betas/,
  );
  expect(build({ policy: 'Plateau', moniter: 'loss' })).toThrow(/lr_config\.moniter .*"monitor"/);
  expect(() => createSchedule({ policy: 'fixed' }, context).load({ lr: 1 })).toThrow(ScheduleError);
});

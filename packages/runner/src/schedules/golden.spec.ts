import { expectClose, golden, goldenCases } from '@bidl/testing';
import './closed-form.js';
import { createSchedule } from './schedule.js';
import './torch.js';

interface Warm {
  readonly warmup_ratio: number;
  readonly warmup_iters: number;
}

describe('schedules against PyTorch', () => {
  it.each(goldenCases('schedules', /^(StepLR|MultiStepLR|CosineAnnealingLR|ExponentialLR)$/))(
    '%s',
    (name) => {
      const { json } = golden('schedules', name);
      const want = json.lr as number[];
      const context = { baseLr: json.base_lr as number, maxEpochs: want.length, itersPerEpoch: 1 };
      const schedule = createSchedule({ policy: json.policy, ...(json.args as object) }, context);
      const got = want.map(() => {
        const lr = schedule.beforeIter();
        schedule.afterEpoch();
        return lr;
      });
      expectClose(got, want, { atol: 1e-15, rtol: 1e-12 }, name);
    },
  );
});

describe('schedules and warm-up against upstream', () => {
  const cases = goldenCases('schedules', /^lr_/);

  it.each(cases)('%s: torch class names do what upstream does', (name) => {
    const { json, get } = golden('schedules', name);
    const [policy, args] = json.scheduler as [string, object];
    const itersPerEpoch = json.iters_per_epoch as number;
    const maxEpochs = json.epochs as number;
    const schedule = createSchedule(
      { policy, ...args, ...(json.warmup as Warm | null) },
      { baseLr: json.lr as number, maxEpochs, itersPerEpoch },
    );
    const perIter: number[] = [];
    const afterEpoch: number[] = [];
    for (let epoch = 0; epoch < maxEpochs; epoch++) {
      for (let i = 0; i < itersPerEpoch; i++) perIter.push(schedule.beforeIter());
      afterEpoch.push(schedule.afterEpoch());
    }
    const tolerance = { atol: 1e-15, ...(json.tolerance as object) };
    expectClose(perIter, get('lr_per_iter').data as Float32Array, tolerance, 'lr of every iteration');
    expectClose(afterEpoch, get('lr_after_epoch').data as Float32Array, tolerance, 'lr after every epoch');
  });

  it('has cases', () => expect(cases.length).toBeGreaterThan(5));
});

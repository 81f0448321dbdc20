import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expectClose, golden, goldenCases } from '@bidl/testing';
import './builtin.js';
import { createSchedule } from './schedule.js';

interface Reference {
  readonly torch: readonly {
    readonly config: { readonly policy: string };
    readonly optimizer: { readonly type: string; readonly lr: number; readonly momentum?: number };
    readonly lr: readonly number[];
    readonly momentum?: readonly number[];
  }[];
  readonly plateau: readonly {
    readonly args: object;
    /** Null stands for NaN. */
    readonly metric: readonly (number | null)[];
    readonly lr: readonly number[];
  }[];
  readonly mmcv: readonly {
    readonly config: { readonly policy: string };
    readonly base_lr: number;
    readonly epochs: number;
    readonly iters_per_epoch: number;
    readonly lr: readonly number[];
  }[];
}

/** What torch's schedulers and mmcv's hooks (mmcv/runner/hooks/lr_updater.py) gave for these arguments. */
const reference = JSON.parse(
  readFileSync(join(__dirname, '../testing/reference-schedules.json'), 'utf8'),
) as Reference;

interface Warm {
  readonly warmup_ratio: number;
  readonly warmup_iters: number;
}

describe('policies by torch class names against PyTorch', () => {
  const cases = goldenCases('schedules').filter((name) => golden('schedules', name).json['policy']);

  it('covers them all', () => expect(cases).toHaveLength(11));

  it.each(cases)('%s', (name) => {
    const { json } = golden('schedules', name);
    const want = json['lr'] as number[];
    const metric = json['metric'] as number[] | undefined;
    const context = {
      ...{ baseLr: json['base_lr'] as number, momentum: 0.9 },
      ...{ maxEpochs: want.length, itersPerEpoch: 1, validates: true },
    };
    const schedule = createSchedule({ policy: json['policy'], ...(json['args'] as object) }, context);
    const got = want.map((_, epoch) => {
      const lr = schedule.beforeIter();
      const score = { loss: metric?.[epoch] ?? 0, top1: 0, top5: 0 };
      schedule.afterEpoch({ train: { ...score, loss: 0 }, validation: score });
      return lr;
    });
    expectClose(got, want, { atol: 1e-15, rtol: 1e-12 }, name);
  });
});

describe('arguments that the golden cases leave out, against torch 2.15', () => {
  it.each(reference.torch.map((c) => [JSON.stringify(c.config), c] as const))(
    '%s',
    (_, { config, optimizer, ...want }) => {
      const momentum =
        'momentum' in optimizer ? optimizer.momentum : optimizer.type === 'Adam' ? 0.9 : undefined;
      const context = { baseLr: optimizer.lr, momentum, maxEpochs: want.lr.length, itersPerEpoch: 1 };
      for (const by_epoch of [true, false]) {
        const schedule = createSchedule({ ...config, by_epoch }, context);
        const got = want.lr.map(() => {
          const lr = schedule.beforeIter();
          const turned = schedule.momentum ?? momentum;
          schedule.afterEpoch();
          return { lr, turned };
        });
        expectClose(
          got.map((g) => g.lr),
          want.lr,
          { rtol: 1e-10, atol: 0 },
          'lr',
        );
        if (want.momentum)
          expectClose(
            got.map((g) => g.turned ?? NaN),
            want.momentum,
            { rtol: 1e-10, atol: 0 },
            'momentum',
          );
      }
    },
  );
});

describe('ReduceLROnPlateau against torch 2.15', () => {
  it.each(reference.plateau.map((c) => [JSON.stringify(c.args), c] as const))(
    '%s',
    (_, { args, metric, lr }) => {
      const context = { baseLr: 0.1, maxEpochs: metric.length, itersPerEpoch: 1 };
      const schedule = createSchedule({ policy: 'ReduceLROnPlateau', ...args }, context);
      const got = metric.map((loss) => {
        const rate = schedule.beforeIter();
        schedule.afterEpoch({ train: { loss: loss ?? NaN, top1: 0, top5: 0 } });
        return rate;
      });
      expectClose(got, lr, { rtol: 1e-10, atol: 0 });
    },
  );
});

describe('policies by mmcv names against mmcv 1.7.2', () => {
  it.each(reference.mmcv.map((c) => [JSON.stringify(c.config), c] as const))(
    '%s',
    (_, { config, ...run }) => {
      const context = { baseLr: run.base_lr, maxEpochs: run.epochs, itersPerEpoch: run.iters_per_epoch };
      const schedule = createSchedule(config, context);
      const got = Array.from({ length: run.epochs }, () => {
        const epoch = Array.from({ length: run.iters_per_epoch }, () => schedule.beforeIter());
        schedule.afterEpoch();
        return epoch;
      }).flat();
      expectClose(got, run.lr, { rtol: 1e-10, atol: 1e-15 });
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

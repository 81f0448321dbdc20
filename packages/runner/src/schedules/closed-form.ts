import { z } from 'zod';
import { numbers, policies, type Schedule, type ScheduleContext } from './schedule.js';
import { warmupFactor, warmupKeys, warmupOf, type Warmup } from './warmup.js';

/** The rate as a function of progress: epochs done (or iterations, by_epoch false) out of `total`. */
type RateAt = (done: number, total: number, baseLr: number) => number;

/**
 * A rate that depends on progress alone. Warm-up scales it, so decays that fall into the warm-up are kept.
 */
export class ClosedFormSchedule implements Schedule {
  #epoch = 0;
  #iter = 0;

  constructor(
    private readonly at: RateAt,
    private readonly context: ScheduleContext,
    private readonly options: { readonly byEpoch: boolean; readonly warmup?: Warmup | undefined },
  ) {}

  beforeIter(): number {
    const { warmup } = this.options;
    const lr = this.#regular();
    const warm = warmup && this.#iter < warmup.iters ? warmupFactor(warmup, this.#iter) : 1;
    this.#iter += 1;
    return lr * warm;
  }

  afterEpoch(): number {
    this.#epoch += 1;
    return this.#regular();
  }

  state() {
    return { epoch: this.#epoch, iter: this.#iter };
  }

  load(state: Readonly<Record<string, number>>): void {
    const { epoch, iter } = numbers(state, ['epoch', 'iter']);
    this.#epoch = epoch;
    this.#iter = iter;
  }

  #regular(): number {
    const { baseLr, maxEpochs, itersPerEpoch } = this.context;
    return this.options.byEpoch
      ? this.at(this.#epoch, maxEpochs, baseLr)
      : this.at(this.#iter, maxEpochs * itersPerEpoch, baseLr);
  }
}

const shared = { by_epoch: z.boolean().default(true), ...warmupKeys };

function register<S extends z.ZodRawShape>(
  names: readonly string[],
  keys: S,
  rate: (args: z.output<z.ZodObject<S>>) => RateAt,
) {
  const schema = z.strictObject({ ...keys, ...shared });
  for (const type of names)
    policies.register({
      type,
      schema,
      build: (args, context) => {
        const own = args as z.output<typeof schema> &
          z.output<z.ZodObject<S>> &
          z.output<z.ZodObject<typeof shared>>;
        return new ClosedFormSchedule(rate(own), context, {
          byEpoch: own.by_epoch,
          warmup: warmupOf(own, context.itersPerEpoch),
        });
      },
    });
}

const nonNegative = z.number().nonnegative();
const milestones = z.array(z.int().positive()).min(1);

register(['fixed', 'Fixed', 'constant', 'Constant'], {}, () => (_done, _total, baseLr) => baseLr);

register(
  ['CosineAnnealing'],
  {
    T_max: z.number().positive().nullish(),
    min_lr: nonNegative.nullish(),
    eta_min: nonNegative.nullish(),
    min_lr_ratio: nonNegative.max(1).nullish(),
  },
  (args) => (done, total, baseLr) => {
    const floor = args.min_lr ?? args.eta_min ?? baseLr * (args.min_lr_ratio ?? 0);
    const progress = Math.min(done / (args.T_max ?? total), 1);
    return floor + ((baseLr - floor) * (1 + Math.cos(Math.PI * progress))) / 2;
  },
);

const decayed = (baseLr: number, gamma: number, times: number, floor: number | null | undefined) =>
  Math.max(baseLr * gamma ** times, floor ?? 0);
const passed = (marks: readonly number[], done: number) => marks.filter((mark) => mark <= done).length;

register(
  ['Step', 'step'],
  {
    step: z.union([z.int().positive(), milestones]),
    gamma: z.number().positive().default(0.1),
    min_lr: nonNegative.nullish(),
  },
  ({ step, gamma, min_lr }) =>
    (done, _total, baseLr) =>
      decayed(baseLr, gamma, typeof step === 'number' ? Math.floor(done / step) : passed(step, done), min_lr),
);

register(
  ['MultiStep'],
  { milestones, gamma: z.number().positive().default(0.1), min_lr: nonNegative.nullish() },
  (args) => (done, _total, baseLr) => decayed(baseLr, args.gamma, passed(args.milestones, done), args.min_lr),
);

register(
  ['Exp', 'exp'],
  { gamma: z.number().positive() },
  ({ gamma }) =>
    (done, _total, baseLr) =>
      baseLr * gamma ** done,
);

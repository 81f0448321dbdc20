import { z } from 'zod';
import { numbers, policies, type Schedule, type ScheduleContext } from './schedule.js';
import { warmupFactor, warmupKeys, warmupOf, type Warmup } from './warmup.js';

/** A torch scheduler's step: the rate after epoch number `epoch` (1 after the first), from the rate before it. */
type NextRate = (lr: number, epoch: number, baseLr: number) => number;

/**
 * torch's schedulers, driven as upstream drives them: each step starts from whatever rate is in force, once per
 * epoch, and warm-up overwrites that rate at iterations 0..warmup_iters (inclusive). A decay that falls into the
 * warm-up is therefore undone by it; the policies named in mmcv's style keep it.
 */
export class TorchSchedule implements Schedule {
  #lr: number;
  #epoch = 0;
  #warm = 0;

  constructor(
    private readonly next: NextRate,
    private readonly context: ScheduleContext,
    private readonly warmup?: Warmup | undefined,
  ) {
    this.#lr = context.baseLr;
  }

  beforeIter(): number {
    if (this.warmup && this.#warm <= this.warmup.iters) {
      this.#lr = this.context.baseLr * warmupFactor(this.warmup, this.#warm);
      this.#warm += 1;
    }
    return this.#lr;
  }

  afterEpoch(): number {
    this.#epoch += 1;
    this.#lr = this.next(this.#lr, this.#epoch, this.context.baseLr);
    return this.#lr;
  }

  state() {
    return { lr: this.#lr, epoch: this.#epoch, warm: this.#warm };
  }

  load(state: Readonly<Record<string, number>>): void {
    const { lr, epoch, warm } = numbers(state, ['lr', 'epoch', 'warm']);
    this.#lr = lr;
    this.#epoch = epoch;
    this.#warm = warm;
  }
}

function register<S extends z.ZodRawShape>(
  type: string,
  keys: S,
  next: (args: z.output<z.ZodObject<S>>, context: ScheduleContext) => NextRate,
) {
  const schema = z.strictObject({ ...keys, ...warmupKeys });
  policies.register({
    type,
    schema,
    build: (args, context) => {
      const own = args as z.output<typeof schema> &
        z.output<z.ZodObject<S>> &
        z.output<z.ZodObject<typeof warmupKeys>>;
      return new TorchSchedule(next(own, context), context, warmupOf(own, context.itersPerEpoch));
    },
  });
}

const gamma = z.number().positive();

register(
  'StepLR',
  { step_size: z.int().positive(), gamma: gamma.default(0.1) },
  (args) => (lr, epoch) => (epoch % args.step_size === 0 ? lr * args.gamma : lr),
);

register(
  'MultiStepLR',
  { milestones: z.array(z.int()), gamma: gamma.default(0.1) },
  (args) => (lr, epoch) => lr * args.gamma ** args.milestones.filter((m) => m === epoch).length,
);

register('ExponentialLR', { gamma }, (args) => (lr) => lr * args.gamma);

register(
  'CosineAnnealingLR',
  { T_max: z.number().positive().nullish(), eta_min: z.number().nonnegative().default(0) },
  (args, { maxEpochs }) => {
    const T = args.T_max ?? maxEpochs;
    const floor = args.eta_min;
    return (lr, epoch, baseLr) => {
      // the recursion divides by zero one step after each valley; torch climbs by a fixed step there
      if ((epoch - 1 - T) % (2 * T) === 0) return lr + ((baseLr - floor) * (1 - Math.cos(Math.PI / T))) / 2;
      const ratio = (1 + Math.cos((Math.PI * epoch) / T)) / (1 + Math.cos((Math.PI * (epoch - 1)) / T));
      return ratio * (lr - floor) + floor;
    };
  },
);

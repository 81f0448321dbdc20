import { z } from 'zod';
import { numbers, policies, type Schedule, type ScheduleContext } from './schedule.js';
import { warmupFactor, warmupKeys, warmupOf, type Warmup } from './warmup.js';

/** One of torch's schedulers. */
export interface TorchPolicy {
  /** The rate before the first step; default the optimizer's own. */
  readonly start?: number;
  /** The rate after step number `step` (1 is the first), from the rate before it. */
  next(lr: number, step: number, baseLr: number): number;
  /** The momentum after that many steps, from the schedulers that turn it as well. */
  momentum?(step: number): number;
}

/**
 * torch's schedulers, driven as upstream drives them: each step starts from whatever rate is in force, once per
 * epoch (or per iteration, by_epoch false), and warm-up overwrites that rate at iterations 0..warmup_iters
 * (inclusive). A decay that falls into the warm-up is therefore undone by it; the policies named in mmcv's style keep it.
 */
export class TorchSchedule implements Schedule {
  #lr: number;
  /** Epochs finished; by iteration, iterations begun. */
  #count = 0;
  #warm = 0;

  constructor(
    private readonly policy: TorchPolicy,
    private readonly context: ScheduleContext,
    private readonly options: { readonly byEpoch: boolean; readonly warmup?: Warmup | undefined },
  ) {
    this.#lr = policy.start ?? context.baseLr;
  }

  get momentum(): number | undefined {
    return this.policy.momentum?.(this.#steps);
  }

  beforeIter(): number {
    const { byEpoch, warmup } = this.options;
    if (!byEpoch) {
      this.#count += 1;
      if (this.#count > 1) this.#advance();
    }
    if (warmup && this.#warm <= warmup.iters) {
      this.#lr = this.context.baseLr * warmupFactor(warmup, this.#warm);
      this.#warm += 1;
    }
    return this.#lr;
  }

  afterEpoch(): number {
    if (this.options.byEpoch) {
      this.#count += 1;
      this.#advance();
    }
    return this.#lr;
  }

  state() {
    return { lr: this.#lr, epoch: this.#count, warm: this.#warm };
  }

  load(state: Readonly<Record<string, number>>): void {
    const { lr, epoch, warm } = numbers(state, ['lr', 'epoch', 'warm']);
    this.#lr = lr;
    this.#count = epoch;
    this.#warm = warm;
  }

  get #steps(): number {
    return this.options.byEpoch ? this.#count : Math.max(this.#count - 1, 0);
  }

  #advance(): void {
    this.#lr = this.policy.next(this.#lr, this.#steps, this.context.baseLr);
  }
}

const shared = {
  by_epoch: z.boolean().default(true).describe('false: step after every iteration instead of every epoch'),
  ...warmupKeys,
};

/** Adds one of torch's schedulers; `keys` are its own arguments. */
export function registerTorch<S extends z.ZodRawShape>(
  type: string,
  keys: S,
  policy: (args: z.output<z.ZodObject<S>>, context: ScheduleContext, byEpoch: boolean) => TorchPolicy,
): void {
  policies.register({
    type,
    schema: z.strictObject({ ...keys, ...shared }),
    build: (args, context) => {
      const own = args as z.output<z.ZodObject<S>> & z.output<z.ZodObject<typeof shared>>;
      return new TorchSchedule(policy(own, context, own.by_epoch), context, {
        byEpoch: own.by_epoch,
        warmup: warmupOf(own, context.itersPerEpoch),
      });
    },
  });
}

import { z } from 'zod';
import { numbers, policies, type EpochMetrics, type Schedule, type ScheduleContext } from './schedule.js';
import { warmupFactor, warmupKeys, warmupOf, type Warmup } from './warmup.js';

const schema = z
  .strictObject({
    monitor: z
      .enum(['loss', 'top-1', 'top-5'])
      .default('loss')
      .describe("what must improve: validation's where there is one, else the training epoch's"),
    mode: z.enum(['min', 'max']).nullish().describe('default: min for the loss, max for accuracies'),
    factor: z.number().gt(0).lt(1).default(0.1),
    patience: z.int().nonnegative().default(10).describe('epochs without improvement that are let pass'),
    threshold: z.number().nonnegative().default(1e-4).describe('less than this is no improvement'),
    threshold_mode: z.enum(['rel', 'abs']).default('rel'),
    cooldown: z.int().nonnegative().default(0).describe('epochs after a reduction in which none is counted'),
    min_lr: z.number().nonnegative().default(0),
    eps: z.number().nonnegative().default(1e-8).describe('a smaller change of the rate is not made'),
    ...warmupKeys,
  })
  .transform((args) => ({ ...args, mode: args.mode ?? (args.monitor === 'loss' ? 'min' : 'max') }) as const);

type PlateauOptions = z.output<typeof schema>;

/**
 * Lowers the rate when an epoch's result has stopped improving, as torch.optim.lr_scheduler.ReduceLROnPlateau. Warm-up
 * scales the rate.
 */
export class PlateauSchedule implements Schedule {
  #lr: number;
  #iter = 0;
  #best: number | undefined;
  #bad = 0;
  #cooldown = 0;
  readonly #warmup: Warmup | undefined;

  constructor(
    private readonly options: PlateauOptions,
    private readonly context: ScheduleContext,
  ) {
    this.#lr = context.baseLr;
    this.#warmup = warmupOf(options, context.itersPerEpoch);
  }

  beforeIter(): number {
    const warmup = this.#warmup;
    const warm = warmup && this.#iter < warmup.iters ? warmupFactor(warmup, this.#iter) : 1;
    this.#iter += 1;
    return this.#lr * warm;
  }

  afterEpoch(metrics?: EpochMetrics): number {
    const value = this.#monitored(metrics);
    if (value === undefined) return this.#lr;
    const { patience, cooldown, factor, min_lr, eps } = this.options;
    if (this.#isBetter(value)) {
      this.#best = value;
      this.#bad = 0;
    } else this.#bad += 1;
    if (this.#cooldown > 0) {
      this.#cooldown -= 1;
      this.#bad = 0;
    }
    if (this.#bad > patience) {
      const lower = Math.max(this.#lr * factor, min_lr);
      if (this.#lr - lower > eps) this.#lr = lower;
      this.#cooldown = cooldown;
      this.#bad = 0;
    }
    return this.#lr;
  }

  state(): Readonly<Record<string, number>> {
    const counts = { lr: this.#lr, iter: this.#iter, bad: this.#bad, cooldown: this.#cooldown };
    return this.#best === undefined ? counts : { ...counts, best: this.#best };
  }

  load(state: Readonly<Record<string, number>>): void {
    const { lr, iter, bad, cooldown } = numbers(state, ['lr', 'iter', 'bad', 'cooldown']);
    this.#lr = lr;
    this.#iter = iter;
    this.#bad = bad;
    this.#cooldown = cooldown;
    this.#best = state['best'];
  }

  /** In a run with validation, an epoch without it counts for nothing. */
  #monitored(metrics: EpochMetrics | undefined): number | undefined {
    const score = this.context.validates ? metrics?.validation : metrics?.train;
    return score && { loss: score.loss, 'top-1': score.top1, 'top-5': score.top5 }[this.options.monitor];
  }

  #isBetter(value: number): boolean {
    const { mode, threshold, threshold_mode } = this.options;
    const best = this.#best;
    if (best === undefined) return !Number.isNaN(value);
    const sign = mode === 'min' ? -1 : 1;
    const wanted = threshold_mode === 'rel' ? best * (1 + sign * threshold) : best + sign * threshold;
    return mode === 'min' ? value < wanted : value > wanted;
  }
}

for (const type of ['Plateau', 'ReduceLROnPlateau'])
  policies.register({ type, schema, build: (args, context) => new PlateauSchedule(args, context) });

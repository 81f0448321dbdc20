import { z } from 'zod';
import { numbers, policies, type Schedule, type ScheduleContext } from './schedule.js';
import { warmupFactor, warmupKeys, warmupOf, type Warmup } from './warmup.js';

/** The rate as a function of progress: epochs done (or iterations, by_epoch false) out of `total`. */
export type RateAt = (done: number, total: number, baseLr: number) => number;

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
    const { baseLr } = this.context;
    const { byEpoch } = this.options;
    return this.at(byEpoch ? this.#epoch : this.#iter, stepsOf(this.context, byEpoch), baseLr);
  }
}

/** Steps of a run, counted in epochs or in iterations. */
export const stepsOf = ({ maxEpochs, itersPerEpoch }: ScheduleContext, byEpoch: boolean): number =>
  byEpoch ? maxEpochs : maxEpochs * itersPerEpoch;

const shared = { by_epoch: z.boolean().default(true), ...warmupKeys };

/** Adds a policy under its names. `keys` are its own arguments; they may give `by_epoch` another default. */
export function registerClosedForm<S extends z.ZodRawShape>(
  names: readonly string[],
  keys: S,
  rate: (args: z.output<z.ZodObject<S>>, context: ScheduleContext, byEpoch: boolean) => RateAt,
): void {
  const schema = z.strictObject({ ...shared, ...keys });
  for (const type of names)
    policies.register({
      type,
      schema,
      build: (args, context) => {
        const own = args as z.output<z.ZodObject<S>> & z.output<z.ZodObject<typeof shared>>;
        return new ClosedFormSchedule(rate(own, context, own.by_epoch), context, {
          byEpoch: own.by_epoch,
          warmup: warmupOf(own, context.itersPerEpoch),
        });
      },
    });
}

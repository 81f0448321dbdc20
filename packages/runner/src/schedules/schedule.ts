import { z } from 'zod';
import { ConfigError, didYouMean, registry, suggest } from '@bidl/registry';
import type { EpochScore } from '../checkpoint/meta.js';

/** What a policy knows when it is built. */
export interface ScheduleContext {
  /** The optimizer's own rate. */
  readonly baseLr: number;
  /** The optimizer's own momentum; undefined when it has none. */
  readonly momentum?: number | undefined;
  readonly maxEpochs: number;
  readonly itersPerEpoch: number;
  /** Whether epochs are validated. */
  readonly validates?: boolean;
}

/** What an epoch gave. */
export interface EpochMetrics {
  readonly train: EpochScore;
  /** Undefined for an epoch that was not validated. */
  readonly validation?: EpochScore | undefined;
}

/** The learning rate of one parameter group over a run. Its whole memory is a few numbers, so resuming is exact. */
export interface Schedule {
  /** The rate that the next iteration uses; called once before every training iteration. */
  beforeIter(): number;
  /** The momentum that goes with it, from the policies that turn it as well. */
  readonly momentum?: number | undefined;
  /** Called once after every epoch; gives the rate then in force. */
  afterEpoch(metrics?: EpochMetrics): number;
  state(): Readonly<Record<string, number>>;
  load(state: Readonly<Record<string, number>>): void;
}

/** Learning rate policies. Names in mmcv's style and torch's class names; they differ in meaning, see README. */
export const policies = registry<Schedule, ScheduleContext>('lr_policy');

/** A schedule's saved numbers do not fit. */
export class ScheduleError extends Error {
  override readonly name = 'ScheduleError';
}

/** `lr_config` of a run: `policy`, the policy's own arguments, and the warm-up keys. */
export type LrConfig = Readonly<Record<string, unknown>>;

/**
 * Build the schedule of `{ policy: 'CosineAnnealing', min_lr: 0, warmup: 'linear', ... }`; without a config the
 * rate is fixed.
 *
 * @throws ConfigError for an unknown policy or argument.
 */
export function createSchedule(
  config: LrConfig | null | undefined,
  context: ScheduleContext,
  place = 'lr_config',
): Schedule {
  const { policy, ...args } = config ?? { policy: 'fixed' };
  if (typeof policy === 'string' && policies.has(policy))
    return policies.build({ type: policy, ...args }, context, place);
  const near = typeof policy === 'string' ? suggest(policy, policies.types()) : undefined;
  throw new ConfigError(
    `${place}.policy ${JSON.stringify(policy)} is unknown.` +
      (near === undefined ? ` Known here: ${policies.types().join(', ')}.` : didYouMean(near)),
    `${place}.policy`,
  );
}

/** A wrong argument that only the run shows to be wrong. */
export const scheduleConfigError = (key: string, problem: string) =>
  new ConfigError(`lr_config.${key} ${problem}`, `lr_config.${key}`);

/** Saved numbers, checked: a checkpoint is a foreign file. */
export function numbers<K extends string>(state: Readonly<Record<string, number>>, keys: readonly K[]) {
  const shape = z.object(Object.fromEntries(keys.map((key) => [key, z.number()])));
  const parsed = shape.safeParse(state);
  if (!parsed.success)
    throw new ScheduleError(
      `schedule state: needs the numbers ${keys.join(', ')}, has ${Object.keys(state).join(', ') || 'none'}. ` +
        'It was saved under another lr_config: start again from the weights with load_from.',
    );
  return parsed.data as Record<K, number>;
}

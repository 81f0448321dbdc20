import { registry } from '@bidl/registry';
import type { EpochBasedRunner } from '../loop/epoch-based-runner.js';

type Moment = (runner: EpochBasedRunner) => void | Promise<void>;

/** The fixed moments of a run, in the order in which they come. */
export const MOMENTS = [
  'beforeRun',
  'beforeEpoch',
  'beforeIter',
  'afterIter',
  'afterEpoch',
  'afterRun',
] as const;

/**
 * Something that happens at fixed moments of a run; a moment left out costs nothing.
 *
 * @example
 * const beep: Hook = { afterEpoch: (runner) => runner.log(`epoch ${runner.epoch} done`) };
 */
export interface Hook {
  readonly beforeRun?: Moment;
  readonly beforeEpoch?: Moment;
  readonly beforeIter?: Moment;
  /** When the gradients are known; the optimizer's update happens here. */
  readonly afterIter?: Moment;
  readonly afterEpoch?: Moment;
  /** Only when the run has reached its end. */
  readonly afterRun?: Moment;
}

/** Hooks by type, for `custom_hooks` and for the runner's own ones. */
export const hooks = registry<Hook>('hook');

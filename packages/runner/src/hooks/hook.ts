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
 * Something that happens at fixed moments of a run; a moment left out costs nothing. `afterIter` comes when the
 * gradients are known, `afterRun` only when the run reached its end.
 *
 * @example
 * const beep: Hook = { afterEpoch: (runner) => runner.log(`epoch ${runner.epoch} done`) };
 */
export type Hook = { readonly [M in (typeof MOMENTS)[number]]?: Moment };

/** Hooks by type, for `custom_hooks` and for the runner's own ones. */
export const hooks = registry<Hook>('hook');

import type { Ops } from '../ops.js';

/**
 * A spike function: what fires, and the derivative that stands in for it when training.
 *
 * Where a smooth function has that derivative, `primitive` is it: a network whose spikes are replaced by the
 * primitive has true gradients, which finite differences can check.
 */
export interface Surrogate {
  readonly name: string;
  readonly args: Readonly<Record<string, number>>;
  forward<T>(o: Ops<T>, x: T): T;
  derivative<T>(o: Ops<T>, x: T): T;
  primitive?<T>(o: Ops<T>, x: T): T;
}

/** Strict Heaviside step: 1 where x > threshold, else 0. */
export const heaviside =
  (threshold = 0) =>
  <T>(o: Ops<T>, x: T): T =>
    o.gt(x, o.constant(threshold));

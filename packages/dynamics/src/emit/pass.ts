import type { Expression } from '../expression/expression.js';

/**
 * What a pass over a row of neurons computes. Leaves, places and sums are named by the fields of `BidlRows` in
 * `@bidl/kernels`, native/scan/neuron.h.
 */
export interface Pass {
  /** One value for each neuron, by the place it goes to. */
  readonly stores: readonly (readonly [string, Expression])[];
  /** Values that are summed over the neurons of a channel, by the sum they go to. */
  readonly sums: readonly (readonly [string, Expression])[];
  /** Nodes that are read from where an earlier pass has kept them. */
  readonly kept?: ReadonlyMap<Expression, string>;
}

/** A backward pass without and with the gradients of the neuron's own parameters. */
export type Backward = readonly [Pass, Pass];

/** The passes of neurons that do not see each other. */
export interface Independent {
  readonly step: Pass;
  /** The step without its output; keeps what `back` needs. */
  readonly remember: Pass;
  readonly back: Backward;
  /** How many values a neuron keeps for the backward pass. */
  readonly kept: number;
}

/** The passes around a normalisation whose statistics go over the whole layer, which cuts the step in two. */
export interface Batch {
  /** From the input and the states to `s`, the value that is normalised. */
  readonly before: Pass;
  /** From `s` to the output and the next states. */
  readonly after: Pass;
  readonly backAfter: Backward;
  readonly backBefore: Backward;
  /** How many values a neuron keeps for the backward pass, besides `s`. */
  readonly kept: number;
  /** States that `after` reads: they outlive the barrier between the two. */
  readonly carried: readonly boolean[];
}

/** The step can't be cut into passes; such a neuron runs composed. */
export class NotFusableError extends Error {
  override readonly name = 'NotFusableError';
}

/** Both forms of a backward pass. */
export const both = <T>(make: (learn: boolean) => T): readonly [T, T] => [make(false), make(true)];

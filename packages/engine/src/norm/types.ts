import type * as tf from '@tensorflow/tfjs';

/** A BatchNorm's tensors, `[C]` each, and its numbers. */
export interface Norm {
  readonly gamma: tf.Tensor;
  readonly beta: tf.Tensor;
  /** Running mean and (unbiased) variance: what inference normalises with. */
  readonly mean: tf.Tensor;
  readonly variance: tf.Tensor;
  readonly epsilon: number;
  /** Share of the batch's statistics in the running ones: new = (1 − momentum)·old + momentum·batch. */
  readonly momentum: number;
}

/** Running statistics, `[C]` each. */
export interface Running {
  readonly mean: tf.Tensor;
  readonly variance: tf.Tensor;
}

/** Over what a BatchNorm takes its statistics: each time step on its own, or the whole sequence at once. */
export type Statistics = 'step' | 'sequence';

export interface NormOptions {
  /** Normalise with the batch's own statistics. */
  readonly training: boolean;
  readonly statistics: Statistics;
  /** Added to every x, `[C]`: a synapse's bias, which costs nothing here and a pass over memory elsewhere. */
  readonly bias?: tf.Tensor;
  /** `composed` leaves the op library's kernel out. Default `auto`. */
  readonly form?: 'auto' | 'composed';
}

export interface Normed {
  /** As x. */
  readonly out: tf.Tensor;
  /** The running statistics advanced; only in training. Not differentiable. */
  readonly running?: Running;
}

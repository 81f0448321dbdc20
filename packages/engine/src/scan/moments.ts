import * as tf from '@tensorflow/tfjs';

/** Longest run of numbers that is summed in one go. */
const RUN = 32;

/** A batch about its mean. Mean and variance (biased) keep the axes that they are over, with size 1. */
export interface Centred {
  readonly centred: tf.Tensor;
  readonly mean: tf.Tensor;
  readonly variance: tf.Tensor;
}

/**
 * Takes the mean over some axes off x. The last axis is channels and not among them.
 *
 * Axes are averaged one after the other, long ones in pieces, and what rounding left of the mean is taken off as well:
 * a float32 sum over a whole layer at once is off by up to a hundred times more, and a membrane that close to its
 * threshold would fire by accident.
 */
export function centre(x: tf.Tensor, axes: readonly number[]): Centred {
  const mean = meanOver(x, axes);
  const almost = tf.sub(x, mean);
  const centred = tf.sub(almost, meanOver(almost, axes));
  return { centred, mean, variance: meanOver(tf.square(centred), axes) };
}

function meanOver(x: tf.Tensor, axes: readonly number[]): tf.Tensor {
  return [...axes].sort((a, b) => b - a).reduce(meanAlong, x);
}

function meanAlong(x: tf.Tensor, axis: number): tf.Tensor {
  const size = x.shape[axis];
  const run = size > RUN ? largestDivisor(size) : size;
  if (run === size) return tf.mean(x, axis, true);
  const pieces = [...x.shape.slice(0, axis), size / run, run, ...x.shape.slice(axis + 1)];
  return meanAlong(tf.mean(tf.reshape(x, pieces), axis + 1), axis);
}

/** The largest divisor up to {@link RUN}; the number itself when only 1 divides it. */
function largestDivisor(size: number): number {
  for (let run = RUN; run > 1; run--) if (size % run === 0) return run;
  return size;
}

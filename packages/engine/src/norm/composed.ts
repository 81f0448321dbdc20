import * as tf from '@tensorflow/tfjs';
import { centre } from '../scan/moments.js';
import { normalise } from '../scan/tensor-ops.js';
import type { Norm, Normed, NormOptions } from './types.js';

/** BatchNorm in tensor operations, on any backend. */
export function normComposed(given: tf.Tensor, norm: Norm, options: NormOptions): Normed {
  const { training, statistics, bias } = options;
  const x = bias ? tf.add(given, bias) : given;
  const { gamma, beta, mean, variance, epsilon, momentum } = norm;
  if (!training) return { out: normalise(x, mean, variance, gamma, beta, epsilon) };
  const [, steps = 1] = x.shape;
  const channels = gamma.size;
  const groups = statistics === 'step' ? steps : 1;
  // Every axis but channels, and but time where each step has statistics of its own.
  const axes = x.shape.map((_, axis) => axis).slice(0, -1);
  const over = statistics === 'step' ? axes.filter((axis) => axis !== 1) : axes;
  const batch = normaliseBatch(x, norm, over);
  const count = x.size / (groups * channels);
  const unbiased = count > 1 ? tf.mul(batch.variance, count / (count - 1)) : batch.variance;
  const running = {
    mean: advance(mean, tf.reshape(batch.mean, [groups, channels]), momentum),
    variance: advance(variance, tf.reshape(unbiased, [groups, channels]), momentum),
  };
  tf.dispose([batch.mean, batch.variance]);
  return { out: batch.out, running };
}

/**
 * Normalises a batch with its own statistics over some axes, with the gradient written out: recorded step by step it is
 * three times as much work. Mean and variance are the caller's to dispose of, and pass no gradient.
 */
function normaliseBatch(
  x: tf.Tensor,
  { gamma, beta, epsilon }: Norm,
  axes: readonly number[],
): { readonly out: tf.Tensor; readonly mean: tf.Tensor; readonly variance: tf.Tensor } {
  let statistics: { readonly mean: tf.Tensor; readonly variance: tf.Tensor } | undefined;
  const compute = tf.customGrad((...args) => {
    const [input, scale, shift, save] = args as unknown as [tf.Tensor, tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    const { centred, mean, variance } = centre(input, axes);
    statistics = { mean: tf.keep(mean), variance: tf.keep(variance) };
    const inverse = tf.rsqrt(tf.add(variance, epsilon));
    const normal = tf.mul(centred, inverse);
    save([normal, inverse, scale]);
    return {
      value: tf.add(tf.mul(normal, scale), shift),
      gradFunc: (dy: tf.Tensor, [z, r, g]: tf.Tensor[]) => {
        const shifts = tf.sum(dy, [...axes], true);
        const scales = tf.sum(tf.mul(dy, z), [...axes], true);
        const count = x.size / scales.size;
        const about = tf.sub(dy, tf.div(shifts, count));
        const dx = tf.mul(tf.sub(about, tf.mul(z, tf.div(scales, count))), tf.mul(r, g));
        const byChannel = (sums: tf.Tensor) => tf.sum(tf.reshape(sums, [-1, g.size]), 0);
        return [dx, byChannel(scales), byChannel(shifts)];
      },
    };
  });
  const out = compute(x, gamma, beta);
  if (!statistics) throw new Error('a forward pass that was not run');
  return { out, ...statistics };
}

/** `new = (1 − m)·old + m·batch` through the rows of `batches` `[groups, C]`, first row first, written out as one sum. */
function advance(old: tf.Tensor, batches: tf.Tensor, momentum: number): tf.Tensor {
  const [groups = 1] = batches.shape;
  const shares = Array.from({ length: groups }, (_, i) => momentum * (1 - momentum) ** (groups - 1 - i));
  const moved = tf.matMul(tf.tensor2d(shares, [1, groups]), batches as tf.Tensor2D);
  return tf.add(tf.mul(old, (1 - momentum) ** groups), tf.reshape(moved, old.shape));
}

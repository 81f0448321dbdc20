import { tf } from '@bidl/engine';

/** PyTorch's defaults, which upstream never changes. */
export const EPSILON = 1e-5;
/** The share of a batch's statistics in the new running ones (torch's convention). */
export const MOMENTUM = 0.1;

/** Over what a BatchNorm takes its statistics: each time step on its own, or the whole sequence at once. */
export type Statistics = 'step' | 'sequence';

export interface NormTensors {
  readonly gamma: tf.Tensor;
  readonly beta: tf.Tensor;
  readonly mean: tf.Tensor;
  readonly variance: tf.Tensor;
}

/** Running statistics, `[C]` each. */
export interface Running {
  readonly mean: tf.Tensor;
  readonly variance: tf.Tensor;
}

/**
 * BatchNorm in front of the membrane.
 *
 * Training normalises with the batch's own statistics, per time step or over the sequence; running statistics
 * advance once for each of those (once a step, in order of time, with the unbiased variance). Otherwise the
 * running statistics normalise.
 *
 * @param x `[B, T, ..., C]`
 */
export function batchNorm(
  x: tf.Tensor,
  norm: NormTensors,
  { training, statistics }: { readonly training: boolean; readonly statistics: Statistics },
): { readonly out: tf.Tensor; readonly running?: Running } {
  if (!training) return { out: normalise(x, norm.mean, norm.variance, norm) };
  const [batch = 1, steps = 1] = x.shape;
  const channels = x.shape.at(-1) ?? 1;
  const groups = statistics === 'step' ? steps : 1;
  const inner = x.size / (batch * steps * channels);
  // One row per group of statistics: [B, groups, rest, C].
  const rows = x.reshape(
    statistics === 'step' ? [batch, steps, inner, channels] : [batch, 1, steps * inner, channels],
  );
  const { mean, variance } = tf.moments(rows, [0, 2], true);
  const out = normalise(rows, mean, variance, norm).reshape(x.shape);
  const count = x.size / (groups * channels);
  const unbiased = count > 1 ? variance.mul(count / (count - 1)) : variance;
  return {
    out,
    running: {
      mean: advance(norm.mean, mean.reshape([groups, channels])),
      variance: advance(norm.variance, unbiased.reshape([groups, channels])),
    },
  };
}

function normalise(x: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor, norm: NormTensors): tf.Tensor {
  const scale = variance.add(EPSILON).rsqrt().mul(norm.gamma);
  return x.sub(mean).mul(scale).add(norm.beta);
}

/** Runs `new = (1 − m)·old + m·batch` through the rows of `batches` `[groups, C]`, first row first. */
function advance(old: tf.Tensor, batches: tf.Tensor): tf.Tensor {
  let now = old;
  for (const row of tf.unstack(batches)) now = now.mul(1 - MOMENTUM).add(row.mul(MOMENTUM));
  return now;
}

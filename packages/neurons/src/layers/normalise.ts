import { centre, tf } from '@bidl/engine';

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
  const [, steps = 1] = x.shape;
  const channels = x.shape.at(-1) ?? 1;
  const groups = statistics === 'step' ? steps : 1;
  // Every axis but channels, and but time where each step has statistics of its own.
  const axes = x.shape.map((_, axis) => axis).slice(0, -1);
  const over = statistics === 'step' ? axes.filter((axis) => axis !== 1) : axes;
  const { out, mean, variance } = normaliseBatch(x, norm, over);
  const count = x.size / (groups * channels);
  const unbiased = count > 1 ? variance.mul(count / (count - 1)) : variance;
  const running = {
    mean: advance(norm.mean, mean.reshape([groups, channels])),
    variance: advance(norm.variance, unbiased.reshape([groups, channels])),
  };
  tf.dispose([mean, variance]);
  return { out, running };
}

/**
 * Normalises a batch with its own statistics over some axes, with the gradient written out: recorded step by step it is
 * three times as much work. Mean and variance are the caller's to dispose of, and pass no gradient.
 */
function normaliseBatch(
  x: tf.Tensor,
  { gamma, beta }: NormTensors,
  axes: readonly number[],
): { readonly out: tf.Tensor; readonly mean: tf.Tensor; readonly variance: tf.Tensor } {
  let statistics: Running | undefined;
  const compute = tf.customGrad((...args) => {
    const [input, scale, shift, save] = args as unknown as [tf.Tensor, tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    const { centred, mean, variance } = centre(input, axes);
    statistics = { mean: tf.keep(mean), variance: tf.keep(variance) };
    const inverse = variance.add(EPSILON).rsqrt();
    const normal = centred.mul(inverse);
    save([normal, inverse, scale]);
    return {
      value: normal.mul(scale).add(shift),
      gradFunc: (dy: tf.Tensor, [z, r, g]: tf.Tensor[]) => {
        const shifts = dy.sum([...axes], true);
        const scales = dy.mul(z).sum([...axes], true);
        const count = x.size / scales.size;
        const dx = dy
          .sub(shifts.div(count))
          .sub(z.mul(scales.div(count)))
          .mul(r.mul(g));
        const byChannel = (sums: tf.Tensor) => sums.reshape([-1, g.size]).sum(0);
        return [dx, byChannel(scales), byChannel(shifts)];
      },
    };
  });
  const out = compute(x, gamma, beta);
  if (!statistics) throw new Error('a forward pass that was not run');
  return { out, ...statistics };
}

function normalise(x: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor, norm: NormTensors): tf.Tensor {
  return x.sub(mean).mul(scaleOf(variance, norm)).add(norm.beta);
}

const scaleOf = (variance: tf.Tensor, { gamma }: NormTensors): tf.Tensor =>
  gamma.div(variance.add(EPSILON).sqrt());

/** `new = (1 − m)·old + m·batch` through the rows of `batches` `[groups, C]`, first row first, written out as one sum. */
function advance(old: tf.Tensor, batches: tf.Tensor): tf.Tensor {
  const [groups = 1] = batches.shape;
  const shares = Array.from({ length: groups }, (_, i) => MOMENTUM * (1 - MOMENTUM) ** (groups - 1 - i));
  const moved = tf.tensor2d(shares, [1, groups]).matMul(batches as tf.Tensor2D);
  return old.mul((1 - MOMENTUM) ** groups).add(moved.reshape(old.shape));
}

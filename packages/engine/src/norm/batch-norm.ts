import type * as tf from '@tensorflow/tfjs';
import { normComposed } from './composed.js';
import { hasNormKernel, normFused } from './fused.js';
import type { Norm, Normed, NormOptions } from './types.js';

/** BatchNorm was given what it can't normalise. */
export class NormError extends Error {
  override readonly name = 'NormError';
}

/**
 * BatchNorm of a sequence, in one operation where the backend has a kernel for it.
 *
 * Training normalises with the batch's own statistics, per time step or over the sequence; running statistics
 * advance once for each of those (once a step, in order of time, with the unbiased variance). Otherwise the
 * running statistics normalise, which are constants then: gradients go to x, gamma and beta.
 *
 * @param x `[B, T, ..., C]`, float32
 * @throws NormError when x has no time axis, another number of channels than the norm, or no values to take statistics of
 * @example
 * const { out } = batchNorm(tf.zeros([2, 4, 16]), { ...norm, epsilon: 1e-5, momentum: 0.1 }, { training: true, statistics: 'step' });
 */
export function batchNorm(x: tf.Tensor, norm: Norm, options: NormOptions): Normed {
  const { shape } = x;
  const channels = shape.at(-1);
  if (shape.length < 3) throw new NormError(`x must be [B, T, ..., C]; it is [${shape.join(', ')}]`);
  if (channels !== norm.gamma.size) {
    throw new NormError(`x has ${channels} channels, the norm ${norm.gamma.size}: give both the same`);
  }
  if (options.training && x.size === 0) {
    throw new NormError(
      `an empty batch, [${shape.join(', ')}], has no statistics; normalise with training: false`,
    );
  }
  const fused = options.form !== 'composed' && hasNormKernel();
  return (fused ? normFused : normComposed)(x, norm, options);
}

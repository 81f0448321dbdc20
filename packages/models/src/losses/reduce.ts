import type { tf } from '@bidl/engine';
import { z } from 'zod';
import { LabelError } from '../errors.js';
import type { LossOptions, Reduction } from './loss.js';

/** The arguments that all losses share. */
export const reductionKeys = {
  reduction: z.enum(['none', 'mean', 'sum']).default('mean'),
  loss_weight: z.number().default(1).describe('factor on the loss'),
};

/**
 * Weighs and reduces per-sample losses as upstream does: `mean` divides by the number of values, or by
 * `avgFactor`; never by the sum of the weights.
 */
export function reduce(
  loss: tf.Tensor,
  own: { readonly reduction: Reduction; readonly loss_weight: number },
  { weight, avgFactor, reduction = own.reduction }: LossOptions = {},
): tf.Tensor {
  if (weight && weight.shape[0] !== loss.shape[0]) {
    throw new LabelError(`${weight.shape[0]} sample weights for ${loss.shape[0]} samples`);
  }
  if (avgFactor !== undefined && reduction === 'sum') {
    throw new LabelError('avgFactor goes with reduction "mean" only');
  }
  const perSample = weight?.toFloat().reshape([weight.size, ...loss.shape.slice(1).map(() => 1)]);
  const weighed = perSample ? loss.mul(perSample) : loss;
  const divisor = reduction === 'mean' ? (avgFactor ?? loss.size) : 1;
  const total = reduction === 'none' ? weighed : weighed.sum();
  const factor = own.loss_weight / (reduction === 'none' ? 1 : divisor);
  return factor === 1 ? total : total.mul(factor);
}

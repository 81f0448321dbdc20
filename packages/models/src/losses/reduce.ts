import type { tf } from '@bidl/engine';
import { LabelError } from '../errors.js';
import type { LossOptions, Reduction } from './loss.js';

/**
 * Weighs and reduces per-sample losses as upstream does: `mean` divides by the number of values, or by
 * `avgFactor`; never by the sum of the weights.
 */
export function reduce(
  loss: tf.Tensor,
  { weight, avgFactor, reduction = 'mean' }: LossOptions & { readonly reduction?: Reduction },
): tf.Tensor {
  if (weight && weight.shape[0] !== loss.shape[0]) {
    throw new LabelError(`${weight.shape[0]} sample weights for ${loss.shape[0]} samples`);
  }
  const perSample = weight?.toFloat().reshape([weight.size, ...loss.shape.slice(1).map(() => 1)]);
  const weighed = perSample ? loss.mul(perSample) : loss;
  if (reduction === 'none') return weighed;
  if (reduction === 'sum') {
    if (avgFactor !== undefined) throw new LabelError('avgFactor goes with reduction "mean" only');
    return weighed.sum();
  }
  return avgFactor === undefined ? weighed.mean() : weighed.sum().div(avgFactor);
}

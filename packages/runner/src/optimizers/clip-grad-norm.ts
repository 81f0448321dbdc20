import { tf } from '@bidl/engine';
import { OptimizerError, type Gradients } from './optimizer.js';

/** As torch.nn.utils.clip_grad_norm_: `norm_type` is p of the p-norm, `'inf'` the largest absolute value. */
export interface GradClip {
  readonly max_norm: number;
  readonly norm_type?: number | 'inf';
}

/**
 * Scale gradients so that their norm, taken over all of them together, is at most `max_norm`:
 * factor = min(1, max_norm / (norm + 1e-6)).
 *
 * @returns new gradients and the norm before clipping (scalar); the caller disposes both.
 */
export function clipGradNorm(
  gradients: Gradients,
  { max_norm, norm_type = 2 }: GradClip,
): { readonly gradients: Map<string, tf.Tensor>; readonly norm: tf.Tensor } {
  if (gradients.size === 0) throw new OptimizerError('clipGradNorm: there are no gradients.');
  const kept = tf.tidy(() => {
    const norm = totalNorm([...gradients.values()], norm_type);
    const factor = tf.minimum(tf.div(max_norm, tf.add(norm, 1e-6)), 1);
    return [norm, ...[...gradients.values()].map((g) => tf.mul(g, factor))];
  });
  const [norm, ...scaled] = kept;
  if (!norm) throw new OptimizerError('clipGradNorm: no norm.');
  const clipped = new Map(
    [...gradients.keys()].flatMap((name, i) => {
      const g = scaled[i];
      return g ? [[name, g] as const] : [];
    }),
  );
  return { gradients: clipped, norm };
}

function totalNorm(tensors: readonly tf.Tensor[], p: number | 'inf'): tf.Tensor {
  if (p === 'inf' || p === Infinity) return tf.max(tf.stack(tensors.map((t) => tf.max(tf.abs(t)))));
  if (p === 2) return tf.sqrt(tf.addN(tensors.map((t) => tf.sum(tf.square(t)))));
  return tf.pow(tf.addN(tensors.map((t) => tf.sum(tf.pow(tf.abs(t), p)))), 1 / p);
}

import type { tf } from '@bidl/engine';
import { ModelError } from '../errors.js';
import { classIndices } from '../losses/labels.js';
import type { Labels } from '../losses/loss.js';

/**
 * How many samples have their label among the k highest logits, for each k. Of equal logits the lower class
 * ranks first; a NaN outranks everything, so a network that diverged is never right.
 *
 * Upstream also asks for a score above 0 and so counts right answers with negative logits as wrong; this doesn't.
 *
 * @param logits `[B, K]`; k above K counts every sample.
 */
export function topKCorrect(logits: tf.Tensor, labels: Labels, topk: readonly number[]): number[] {
  if (logits.rank !== 2) {
    throw new ModelError(`top-k accuracy needs logits [B, K], got [${logits.shape.join(', ')}]`);
  }
  const [batch = 0, classes = 0] = logits.shape;
  const indices = classIndices(labels, batch, classes);
  // counted on the host: a batch of logits is small, and its right answers are wanted there
  const values = logits.dataSync<'float32'>();
  const ranks = Array.from(indices, (label, sample) => {
    const row = values.subarray(sample * classes, (sample + 1) * classes);
    const own = row[label] ?? NaN;
    return row.reduce(
      (rank, value, k) => rank + (!(value <= own) || (value === own && k < label) ? 1 : 0),
      0,
    );
  });
  return topk.map((k) => ranks.filter((rank) => rank < k || k >= classes).length);
}

/**
 * How many samples of a two-class network with one logit are right: class 1 where the logit is above 0.
 *
 * @param logits `[B]` or `[B, 1]`
 */
export function binaryCorrect(logits: tf.Tensor, labels: Labels): number {
  const [batch = 0] = logits.shape;
  if (logits.size !== batch) {
    throw new ModelError(`binary accuracy needs logits [B] or [B, 1], got [${logits.shape.join(', ')}]`);
  }
  const indices = classIndices(labels, batch, 2);
  return Array.from(logits.dataSync()).filter((logit, i) => (logit > 0 ? 1 : 0) === indices[i]).length;
}

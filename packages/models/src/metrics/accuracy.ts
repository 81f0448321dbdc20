import { tf } from '@bidl/engine';
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
  const ranks = tf.tidy(() => {
    const label = tf.tensor1d(indices, 'int32');
    const own = tf.oneHot(label, classes).toFloat();
    const picked = tf.where(own.toBool(), logits, tf.zerosLike(logits)).sum(1, true);
    const above = logits.lessEqual(picked).logicalNot().toInt();
    const earlier = tf.range(0, classes, 1, 'int32').expandDims(0).less(label.expandDims(1));
    const tied = logits.equal(picked).logicalAnd(earlier).toInt();
    return above.add(tied).sum(1);
  });
  const rank = Array.from(ranks.dataSync());
  ranks.dispose();
  return topk.map((k) => rank.filter((r) => r < k || k >= classes).length);
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

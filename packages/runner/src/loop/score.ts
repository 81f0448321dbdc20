import type { EpochScore } from '../checkpoint/meta.js';

/**
 * Place of the true class among the logits of one sample: 0 when it is the largest. Of equal logits the lower
 * class comes first, as in tf.topk. A NaN logit counts as larger than any number.
 */
export function rank(logits: ArrayLike<number>, offset: number, classes: number, label: number): number {
  const own = logits[offset + label] ?? NaN;
  let before = 0;
  for (let k = 0; k < classes; k++) {
    const other = logits[offset + k] ?? NaN;
    if (!(other < own) && k !== label && (other !== own || k < label)) before += 1;
  }
  return before;
}

/** Sums over samples, so that an average weighs every sample alike, in the last, smaller batch too. */
export class Score {
  samples = 0;
  #loss = 0;
  #top1 = 0;
  #top5 = 0;

  /** Count a batch: its mean loss, its logits (B·K values, row by row) and its labels. */
  add(loss: number, logits: ArrayLike<number>, labels: ArrayLike<number>): void {
    const classes = labels.length === 0 ? 0 : logits.length / labels.length;
    for (let b = 0; b < labels.length; b++) {
      const place = rank(logits, b * classes, classes, labels[b] ?? 0);
      if (place < 1) this.#top1 += 1;
      if (place < 5) this.#top5 += 1;
    }
    this.#loss += loss * labels.length;
    this.samples += labels.length;
  }

  /** Mean loss, top-1 and top-5 accuracy in percent. */
  mean(): EpochScore {
    const n = this.samples;
    if (n === 0) return { loss: 0, top1: 0, top5: 0 };
    return { loss: this.#loss / n, top1: (100 * this.#top1) / n, top5: (100 * this.#top5) / n };
  }
}

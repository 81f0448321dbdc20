import type { EpochScore } from '../checkpoint/meta.js';

/** What one batch gave: its mean loss, and counts of right answers among its samples. */
export interface BatchResult {
  readonly loss: number;
  readonly top1: number;
  readonly top5: number;
  readonly samples: number;
}

/** Sums over samples, so that an average weighs every sample alike, in the last, smaller batch too. */
export class Score {
  samples = 0;
  #loss = 0;
  #top1 = 0;
  #top5 = 0;

  add({ loss, top1, top5, samples }: BatchResult): void {
    this.#loss += loss * samples;
    this.#top1 += top1;
    this.#top5 += top5;
    this.samples += samples;
  }

  /** Mean loss, top-1 and top-5 accuracy in percent. */
  mean(): EpochScore {
    const n = this.samples;
    if (n === 0) return { loss: 0, top1: 0, top5: 0 };
    return { loss: this.#loss / n, top1: (100 * this.#top1) / n, top5: (100 * this.#top5) / n };
  }
}

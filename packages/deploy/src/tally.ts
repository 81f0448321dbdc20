import { topK } from '@bidl/datasets';

import type { TestSample } from './samples.js';

/** How the predictions of host and target compare over a test set. */
export interface Predictions {
  readonly samples: number;
  /** Percent of all samples. */
  readonly top1: number | null;
  readonly predictions_differ: number | null;
  /** Largest difference of a logit; NaN shows. */
  readonly max_abs_diff: number | null;
}

/** Counts predictions of both sides. */
export class Tally {
  private readonly logits: Float32Array[] = [];
  private readonly labels: number[] = [];
  private differ = 0;
  private maxAbsDiff = 0;

  /**
   * @param host logits of the samples, `[n, K]`
   * @param target the same, sample by sample
   */
  add(samples: readonly TestSample[], host: Float32Array, target: readonly Float32Array[]): void {
    samples.forEach(({ label }, i) => {
      const got = target[i] ?? new Float32Array(0);
      const want = host.subarray(i * got.length, (i + 1) * got.length);
      this.logits.push(got);
      this.labels.push(label);
      if (largest(got) !== largest(want)) this.differ++;
      got.forEach((v, k) => {
        const apart = Math.abs(v - (want[k] ?? NaN));
        if (!(apart <= this.maxAbsDiff)) this.maxAbsDiff = apart;
      });
    });
  }

  result(): Predictions {
    return {
      samples: this.labels.length,
      top1: topK(this.logits, this.labels, [1])['accuracy_top-1'] ?? null,
      predictions_differ: this.differ,
      max_abs_diff: this.maxAbsDiff,
    };
  }
}

/** Index of the largest number. */
export function largest(values: Float32Array): number {
  let best = 0;
  values.forEach((v, i) => {
    if (v > (values[best] ?? -Infinity)) best = i;
  });
  return best;
}

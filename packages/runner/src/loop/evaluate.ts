import { setImmediate } from 'node:timers/promises';
import { tf } from '@bidl/engine';
import type { EpochScore } from '../checkpoint/meta.js';
import type { Classifier } from '../classifier.js';
import { fetchResult, inputTensor } from './batch-tensors.js';
import type { Loader } from './loader.js';
import { Score } from './score.js';

/** What an evaluation found. Accuracies are percentages of all samples, the last, smaller batch included. */
export interface Evaluation extends EpochScore {
  readonly samples: number;
  /** Wall time spent, loading included. */
  readonly seconds: number;
}

export interface EvaluateOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onBatch?: (done: number, batches: number, running: EpochScore) => void;
  readonly now?: () => number;
}

/** Run a network in inference mode over one pass of a loader. */
export async function evaluate(
  classifier: Classifier,
  loader: Loader,
  { signal, onBatch, now = () => performance.now() }: EvaluateOptions = {},
): Promise<Evaluation> {
  const score = new Score();
  const start = now();
  let done = 0;
  for await (const batch of loader.epoch(0)) {
    try {
      signal?.throwIfAborted();
      const labels = Int32Array.from(batch.gt_label);
      const tensors = tf.tidy(() => {
        const logits = classifier.forward(inputTensor(batch.img), false);
        return { loss: classifier.loss(logits, labels), logits };
      });
      score.add(await fetchResult(classifier, tensors, labels));
    } finally {
      batch.release();
    }
    await setImmediate();
    onBatch?.(++done, loader.batches, score.mean());
  }
  return { ...score.mean(), samples: score.samples, seconds: (now() - start) / 1000 };
}

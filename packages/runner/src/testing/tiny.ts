import { tf } from '@bidl/engine';
import { ndarray } from '@bidl/formats';
import type { Classifier, NamedVariable } from '../classifier.js';
import type { Batch, Loader } from '../loop/loader.js';

/** For the specs: a linear classifier of time means with a running mean, in the shape of a real one. */
export interface TinyNetwork extends Classifier {
  iteration: number;
  dispose(): void;
}

/** Weights are a fixed pattern; x is [B, T, features]. */
export function tinyNetwork({ features = 4, classes = 3, hidden = 'fc' } = {}): TinyNetwork {
  const pattern = (shape: number[]) => {
    const size = shape.reduce((a, b) => a * b, 1);
    return tf.tidy(() =>
      tf
        .sin(tf.range(1, size + 1))
        .mul(0.5)
        .reshape(shape),
    );
  };
  const make = (name: string, start: tf.Tensor, trainable: boolean): NamedVariable => {
    const variable = tf.variable(start, trainable);
    start.dispose();
    return { name, variable, trainable };
  };
  const kernel = make(`${hidden}/kernel`, pattern([features, classes]), true);
  const bias = make(`${hidden}/bias`, tf.zeros([classes]), true);
  const mean = make('norm/moving_mean', tf.zeros([features]), false);
  const weights = [kernel, bias, mean];
  return {
    iteration: 0,
    forward(x, training) {
      return tf.tidy(() => {
        const pooled = tf.mean(x, 1);
        if (training) mean.variable.assign(mean.variable.mul(0.9).add(tf.mean(pooled, 0).mul(0.1)));
        return tf
          .sub(pooled, mean.variable)
          .matMul(kernel.variable as tf.Tensor)
          .add(bias.variable);
      });
    },
    loss(logits, labels) {
      return tf.tidy(() => {
        const wanted = tf.oneHot(tf.tensor1d(Array.from(labels), 'int32'), classes);
        return tf.losses.softmaxCrossEntropy(wanted, logits);
      });
    },
    accuracy(logits, labels) {
      const picked = tf.tidy(() => tf.argMax(logits, 1).dataSync());
      const top1 = Array.from(labels).filter((label, i) => label === picked[i]).length;
      return { top1, top5: labels.length };
    },
    weights: () => weights,
    dispose: () => weights.forEach((w) => w.variable.dispose()),
  };
}

/** Uint8 samples [2, features] whose class can be read off them; the order depends on the epoch alone. */
export function tinyLoader({
  samples = 30,
  batchSize = 8,
  features = 4,
  classes = 3,
  onRelease = () => undefined as void,
} = {}) {
  const starts: number[] = [];
  const loader: Loader & { readonly epochs: number[] } = {
    length: samples,
    batches: Math.ceil(samples / batchSize),
    epochs: starts,
    async *epoch(n) {
      starts.push(n);
      for (let first = 0; first < samples; first += batchSize) {
        const size = Math.min(batchSize, samples - first);
        const index = Array.from({ length: size }, (_, i) => ((first + i) * 7 + n) % samples);
        const bytes = index.flatMap((s) =>
          Array.from({ length: 2 * features }, (_, k) =>
            k % features === s % classes ? 3 : (s * 5 + k) % 3,
          ),
        );
        const batch: Batch = {
          img: ndarray(Uint8Array.from(bytes), [size, 2, features]),
          gt_label: Int32Array.from(index, (s) => s % classes),
          release: onRelease,
        };
        yield batch;
      }
    },
  };
  return loader;
}

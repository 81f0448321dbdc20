import { tf } from '@bidl/engine';
import type { Classifier } from '../classifier.js';
import type { LossAndGradients } from '../optimizers/optimizer.js';
import { inputTensor } from './batch-tensors.js';
import type { Batch } from './loader.js';

/** What forward and backward gave; the caller disposes of all of it. */
export interface Pass {
  /** Scalar. */
  readonly loss: tf.Tensor;
  /** [B, K] */
  readonly logits: tf.Tensor;
  /** By weight name; a weight that the loss does not depend on has none. */
  readonly gradients: ReadonlyMap<string, tf.Tensor>;
}

/** Forward and backward over batches, for one network. */
export class ForwardBackward {
  readonly #names: ReadonlyMap<string, string>;
  readonly #variables: tf.Variable[];

  constructor(private readonly classifier: Classifier) {
    const trainable = classifier.weights().filter((w) => w.trainable);
    this.#variables = trainable.map((w) => w.variable);
    this.#names = new Map(trainable.map((w) => [w.variable.name, w.name]));
  }

  /** Loss, logits and gradients of a batch in training mode: running statistics advance. */
  run(batch: Batch, labels: Int32Array): Pass {
    const { classifier } = this;
    const { loss, logits, gradients } = tf.tidy(() => {
      const x = inputTensor(batch.img);
      let logits: tf.Tensor | undefined;
      const { value, grads } = tf.variableGrads(() => {
        // kept: variableGrads frees whatever its function does not return
        logits = tf.keep(classifier.forward(x, true).clone());
        return classifier.loss(logits, labels).asScalar();
      }, this.#variables);
      return { loss: value, logits: logits ?? tf.zeros([0]), gradients: existing(grads) };
    });
    const byName = Object.entries(gradients).map(([id, g]) => [this.#names.get(id) ?? id, g] as const);
    return { loss, logits, gradients: new Map(byName) };
  }

  /** Loss and gradients alone. */
  evaluate(batch: Batch, labels: Int32Array): LossAndGradients {
    const { loss, logits, gradients } = this.run(batch, labels);
    const [value = NaN] = loss.dataSync<'float32'>();
    tf.dispose([loss, logits]);
    return { loss: value, gradients };
  }
}

const existing = (grads: Readonly<Record<string, tf.Tensor | null>>): Record<string, tf.Tensor> =>
  Object.fromEntries(Object.entries(grads).flatMap(([id, g]) => (g ? [[id, g]] : [])));

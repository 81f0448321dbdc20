import type { tf } from '@bidl/engine';

/** A weight known by its place in the network, e.g. `clif1/kernel`. Running statistics are not trainable. */
export interface NamedVariable {
  readonly name: string;
  readonly variable: tf.Variable;
  readonly trainable: boolean;
}

/** What the training loop needs of a network; `ImageClassifier` of @bidl/models is one. */
export interface Classifier {
  /** Logits [B, K] of a batch [B, T, ...]. In training mode running statistics advance. */
  forward(x: tf.Tensor, training: boolean): tf.Tensor;
  /** Scalar loss of logits [B, K] against int32 labels [B]. */
  loss(logits: tf.Tensor, labels: tf.Tensor): tf.Tensor;
  /** Every weight, trainable or not, in a fixed order. */
  weights(): readonly NamedVariable[];
}

import type { tf } from '@bidl/engine';
import type { Memory } from '@bidl/models';

/** A weight known by its place in the network, e.g. `clif1/kernel`. Running statistics are not trainable. */
export interface NamedVariable {
  readonly name: string;
  readonly variable: tf.Variable;
  readonly trainable: boolean;
}

/** Counts of right answers in a batch. */
export interface Correct {
  readonly top1: number;
  readonly top5: number;
}

/** State of a network between two parts of a sequence: by layer, then by variable, `[B, ...]` each. */
export type SequenceState = Readonly<Record<string, Readonly<Record<string, tf.Tensor>>>>;

/** What the training loop needs of a network; `ImageClassifier` of @bidl/models is one. */
export interface Classifier {
  /** Logits [B, K] of a batch [B, T, ...]. In training mode running statistics advance. */
  forward(x: tf.Tensor, training: boolean): tf.Tensor;
  /** The same in training mode, with a scalar to add to the loss, where the network has regularisers. */
  train?(
    x: tf.Tensor,
    options?: { readonly memory?: Memory },
  ): { readonly logits: tf.Tensor; readonly penalty?: tf.Tensor };
  /**
   * Logits of a part of a sequence, from the state that the part before it left, and the state for the next one; for
   * truncated backpropagation.
   */
  run?(
    x: tf.Tensor,
    options: {
      readonly initial_state?: SequenceState | undefined;
      readonly training: boolean;
      readonly memory?: Memory;
    },
  ): { readonly logits: tf.Tensor; readonly state: SequenceState; readonly penalty?: tf.Tensor };
  /** Scalar mean loss of logits [B, K] against class indices [B]. */
  loss(logits: tf.Tensor, labels: ArrayLike<number>): tf.Tensor;
  /** How many samples have their class in first place, and among the first five. */
  accuracy(logits: tf.Tensor, labels: ArrayLike<number>): Correct;
  /** Every weight, trainable or not, in a fixed order. */
  weights(): readonly NamedVariable[];
  /** The network, where it is one; weights of other frameworks are named after its layers. */
  readonly backbone?: tf.LayersModel;
  /** Training iterations so far, when training noise depends on it; the runner sets it. */
  iteration?: number;
}

import { tf, valueAndGradients } from '@bidl/engine';
import type { Memory } from '@bidl/models';
import type { Classifier, SequenceState } from '../classifier.js';
import type { LossAndGradients } from '../optimizers/optimizer.js';
import { inputTensor } from './batch-tensors.js';
import { MemoryError, TruncationError } from './errors.js';
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

/** What a forward pass gives. */
interface Forward {
  readonly logits: tf.Tensor;
  readonly state?: SequenceState;
  /** What the regularisers add to the loss. */
  readonly penalty?: tf.Tensor;
}

/** A forward pass and its backward pass. Logits and state are kept: the caller disposes of them. */
interface Differentiated extends Forward {
  readonly loss: tf.Tensor;
  /** By variable. */
  readonly gradients: Record<string, tf.Tensor>;
}

/**
 * Forward and backward over batches, for one network.
 *
 * With `tbptt` (truncated backpropagation through time) a sequence runs in parts of so many steps: each starts from the
 * state that the one before left, its loss is that of the network's answer so far, and gradients end at its beginning.
 * Loss and gradients are the means over the parts, weighed by their lengths; memory is that of one part. A sequence
 * of no more than `tbptt` steps is an ordinary pass.
 *
 * With `memory: 'lean'` a network keeps little between forward and backward pass and computes the rest again.
 */
export class ForwardBackward {
  readonly #names: ReadonlyMap<string, string>;
  readonly #variables: tf.Variable[];

  /** @throws TruncationError for a network that can't run in parts, MemoryError for one that can't be lean. */
  constructor(
    private readonly classifier: Classifier,
    private readonly tbptt?: number,
    private readonly memory: Memory = 'full',
  ) {
    if (tbptt !== undefined && !classifier.run) throw new TruncationError();
    if (memory !== 'full' && !classifier.train) throw new MemoryError();
    const trainable = classifier.weights().filter((w) => w.trainable);
    this.#variables = trainable.map((w) => w.variable);
    this.#names = new Map(trainable.map((w) => [w.variable.name, w.name]));
  }

  /** Loss, logits and gradients of a batch in training mode: running statistics advance. */
  run(batch: Batch, labels: Int32Array): Pass {
    const { loss, logits, gradients } = tf.tidy(() => {
      const x = inputTensor(batch.img);
      const steps = x.shape[1] ?? 1;
      const cut = this.tbptt !== undefined && steps > this.tbptt ? this.tbptt : undefined;
      const made = cut === undefined ? this.#whole(x, labels) : this.#inParts(x, labels, cut);
      return { loss: made.loss, logits: made.logits, gradients: made.gradients };
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

  #whole(x: tf.Tensor, labels: Int32Array): Differentiated {
    return this.#differentiate(labels, () => {
      const { classifier, memory } = this;
      return classifier.train?.(x, { memory }) ?? { logits: classifier.forward(x, true) };
    });
  }

  #inParts(x: tf.Tensor, labels: Int32Array, length: number): Differentiated {
    const { classifier } = this;
    const steps = x.shape[1] ?? 1;
    // noise is a function of the iteration: every part has one of its own
    if (classifier.iteration !== undefined) classifier.iteration *= Math.ceil(steps / length);
    const sums = new WeightedSums();
    const answers: tf.Tensor[] = [];
    let state: SequenceState | undefined;
    for (let first = 0; first < steps; first += length) {
      const taken = Math.min(length, steps - first);
      const part = tf.slice(x, [0, first], [-1, taken]);
      const initial_state = state;
      const made = this.#differentiate(labels, () => this.#run(part, initial_state));
      tf.dispose([part, ...tensorsOf(initial_state)]);
      state = made.state;
      answers.push(made.logits);
      sums.add({ loss: made.loss, ...made.gradients }, taken / steps);
    }
    tf.dispose(tensorsOf(state));
    const { loss = tf.scalar(0), ...gradients } = sums.totals;
    return { loss, gradients, logits: together(answers) };
  }

  #run(x: tf.Tensor, initial_state: SequenceState | undefined): Forward {
    const { classifier, memory } = this;
    const made = classifier.run?.(x, { initial_state, training: true, memory });
    if (!made) throw new TruncationError();
    return made;
  }

  #differentiate(labels: Int32Array, forward: () => Forward): Differentiated {
    let made: Forward | undefined;
    const { value, grads } = valueAndGradients(() => {
      const { logits, state, penalty } = forward();
      // kept copies: whatever the function does not return is freed
      made = { logits: keptCopy(logits), ...(state && { state: copiedState(state) }) };
      const loss = this.classifier.loss(logits, labels).asScalar();
      return penalty ? loss.add<tf.Scalar>(penalty) : loss;
    }, this.#variables);
    const gradients = Object.fromEntries(
      this.#variables.flatMap(({ name }, i) => (grads[i] ? [[name, grads[i]]] : [])),
    );
    return { logits: tf.zeros([0]), ...made, loss: value, gradients };
  }
}

/** Sums of tensors by name, each addend with a weight. */
class WeightedSums {
  readonly totals: Record<string, tf.Tensor> = {};

  /** Disposes of the addends. */
  add(addends: Readonly<Record<string, tf.Tensor>>, weight: number): void {
    for (const [name, addend] of Object.entries(addends)) {
      const before = this.totals[name];
      const part = tf.mul(addend, weight);
      this.totals[name] = before ? tf.add(before, part) : part;
      tf.dispose(before ? [addend, before, part] : [addend]);
    }
  }
}

/** The answer to the whole sequence: the last part's, or the steps of all parts one after the other. */
function together(answers: readonly tf.Tensor[]): tf.Tensor {
  const last = answers.at(-1) ?? tf.zeros([0]);
  if (last.rank < 3) {
    tf.dispose(answers.slice(0, -1));
    return last;
  }
  const all = tf.concat([...answers], 1);
  tf.dispose([...answers]);
  return all;
}

const keptCopy = (t: tf.Tensor): tf.Tensor => tf.keep(t.clone());

const copiedState = (state: SequenceState): SequenceState =>
  Object.fromEntries(
    Object.entries(state).map(([layer, values]) => [
      layer,
      Object.fromEntries(Object.entries(values).map(([name, t]) => [name, keptCopy(t)])),
    ]),
  );

const tensorsOf = (state: SequenceState | undefined): tf.Tensor[] =>
  Object.values(state ?? {}).flatMap((values) => Object.values(values));

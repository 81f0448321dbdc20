import { tf } from '@bidl/engine';
import {
  inParts,
  namedWeights,
  sequence,
  type Memory,
  type NamedVariable,
  type NetworkState,
  type PartRunner,
  type Sequence,
} from '@bidl/neurons';
import { registry } from '@bidl/registry';
import { z } from 'zod';
import { backbones, type BackboneContext } from '../backbones/backbone.js';
import { ModelError } from '../errors.js';
import { heads, type Head } from '../heads/cls-head.js';
import type { Labels } from '../losses/loss.js';
import { necks, withNeck } from '../necks/neck.js';
import '../regularisers/builtin.js';
import { regularisers, type Regulariser } from '../regularisers/regulariser.js';
import { penalties, watched } from '../regularisers/penalty.js';

/** Classifiers by the names that configs use. */
export const classifiers = registry<ImageClassifier, BackboneContext>('classifier');

export const imageClassifierSchema = z.strictObject({
  backbone: backbones.schema(),
  neck: necks.schema().nullish().describe('what makes logits of a backbone’s output, where it gives none'),
  head: heads.schema().default({ type: 'ClsHead' }),
  regularize: z
    .array(regularisers.schema())
    .default([])
    .describe('terms on what goes on inside the network, added to the loss while training'),
});

export interface TrainOptions {
  /** What is kept for the backward pass: `lean` keeps less and computes it again. Default `full`. */
  readonly memory?: Memory | undefined;
}

export interface RunOptions extends TrainOptions {
  readonly initial_state?: NetworkState | undefined;
  readonly training?: boolean;
}

/** What a pass in training gives. */
export interface TrainingPass {
  /** `[B, K]` */
  readonly logits: tf.Tensor;
  /** The sum of the regularisers, a scalar to add to the loss; none without regularisers. */
  readonly penalty?: tf.Tensor;
}

/**
 * A backbone that gives logits, and a head that makes a loss and an accuracy of them.
 *
 * @example
 * const classifier = buildClassifier(config.model, { inputShape: [10, 32, 32, 2], seed: 1 });
 * const { value, grads } = tf.variableGrads(() => classifier.loss(classifier.forward(x, true), labels));
 */
export class ImageClassifier {
  /** Number of classes (of logits, for a two-class network with one logit). */
  readonly nclass: number;
  /**
   * Training passes so far. Membrane noise is a function of the seed, the layer and this number; set it when a
   * run resumes.
   */
  iteration = 0;
  private readonly sequence: Sequence;
  private parts: PartRunner | undefined;

  constructor(
    readonly backbone: tf.LayersModel,
    readonly head: Head,
    private readonly regularize: readonly Regulariser[] = [],
  ) {
    const classes = backbone.outputs[0]?.shape.at(-1);
    if (backbone.outputs.length !== 1 || typeof classes !== 'number') {
      throw new ModelError(`backbone "${backbone.name}" must give one tensor of logits [B, K] or [B, T, K]`);
    }
    this.nclass = classes;
    this.sequence = sequence(backbone);
    watched(backbone, regularize);
  }

  /**
   * Logits of a batch.
   *
   * @param x `[B, T, H, W, C]`, any numeric dtype
   * @param training use and advance BatchNorm's batch statistics, apply noise
   * @param options for those who differentiate it
   * @returns `[B, K]`
   * @throws ModelError when the batch has another shape than the network was built for.
   */
  forward(x: tf.Tensor, training = false, { memory = 'full' }: TrainOptions = {}): tf.Tensor {
    this.check(x);
    const iteration = training ? this.iteration++ : this.iteration;
    return this.sequence.run(x, { training, iteration, memory });
  }

  /**
   * A pass in training mode with the regularisers' share of the loss.
   *
   * @param x `[B, T, H, W, C]`
   * @throws ModelError when the batch has another shape than the network was built for.
   */
  train(x: tf.Tensor, { memory = 'full' }: TrainOptions = {}): TrainingPass {
    if (this.regularize.length === 0) return { logits: this.forward(x, true, { memory }) };
    this.check(x);
    const options = { training: true, iteration: this.iteration++ };
    const { out, collected } = this.sequence.collect(x, {
      ...options,
      memory,
      collect: penalties(this.regularize, options),
    });
    return { logits: out, ...sumOf(collected) };
  }

  private check(x: tf.Tensor): void {
    const want = this.backbone.inputs[0]?.shape ?? [];
    const fits = x.rank === want.length && want.every((size, i) => size === null || size === x.shape[i]);
    if (!fits) {
      const shape = want.map((size, i) => size ?? (i === 0 ? 'B' : 'T')).join(', ');
      throw new ModelError(
        `${this.backbone.name} takes [${shape}], got [${x.shape.join(', ')}]; channels come last, see the data set's layout and the pipeline's crop`,
      );
    }
  }

  /**
   * Logits of a part of a sequence, from the state that the part before it left: what the network would give if the
   * sequence ended here. For recordings that don't fit into one pass, streams, and truncated backpropagation.
   *
   * @param x `[B, T, H, W, C]`, any T
   * @param initial_state as an earlier call gave it; without it a new sequence begins
   * @returns logits, and the state for the next part; both are the caller's to dispose of
   * @throws StepError when the network mixes time steps.
   */
  run(
    x: tf.Tensor,
    { initial_state, training = false, memory = 'full' }: RunOptions = {},
  ): TrainingPass & { readonly state: NetworkState } {
    this.parts ??= inParts(this.backbone);
    const iteration = training ? this.iteration++ : this.iteration;
    const { out, state, collected } = this.parts.run(x, {
      state: initial_state,
      training,
      iteration,
      memory,
      ...(training &&
        this.regularize.length > 0 && {
          collect: penalties(this.regularize, { training, iteration }),
        }),
    });
    return { logits: out, state, ...sumOf(collected) };
  }

  /**
   * The head's loss, a scalar.
   *
   * @throws LabelError when a label is out of range.
   * @throws ModelError when the config asks for a loss per sample.
   */
  loss(logits: tf.Tensor, labels: Labels): tf.Scalar {
    const loss = this.head.compute(logits, labels);
    if (loss.rank === 0) return loss as tf.Scalar;
    throw new ModelError(
      'model.head.loss.reduction "none" gives a loss per sample, and training needs one number; use "mean" or "sum"',
    );
  }

  /** How many samples have their label in first place, and among the first five. */
  accuracy(logits: tf.Tensor, labels: Labels): { readonly top1: number; readonly top5: number } {
    const [top1 = 0, top5 = 0] = this.head.correct(logits, labels, [1, 5]);
    return { top1, top5 };
  }

  /** Every weight by the name of its place, running statistics included. */
  weights(): NamedVariable[] {
    return namedWeights(this.backbone);
  }

  /** Frees the weights. */
  dispose(): void {
    this.backbone.dispose();
  }
}

/** Frees the addends. */
function sumOf(terms: readonly tf.Tensor[]): Pick<TrainingPass, 'penalty'> {
  if (terms.length === 0) return {};
  const penalty = tf.addN([...terms]);
  tf.dispose([...terms]);
  return { penalty };
}

classifiers.register({
  type: 'ImageClassifier',
  schema: imageClassifierSchema,
  build: ({ backbone, neck, head, regularize }, context) => {
    const network = backbones.build(backbone, context, 'model.backbone');
    return new ImageClassifier(
      neck ? withNeck(network, necks.build(neck, context, 'model.neck')) : network,
      heads.build(head, undefined, 'model.head'),
      regularize.map((term, i) => regularisers.build(term, undefined, `model.regularize[${i}]`)),
    );
  },
});

import { softmaxCrossEntropy, tf } from '@bidl/engine';
import { z } from 'zod';
import { ModelError } from '../errors.js';
import { areIndices, binaryTargets, classIndices, indexRows, rows } from './labels.js';
import { losses, type Labels, type Loss, type LossOptions } from './loss.js';
import { reduce, reductionKeys } from './reduce.js';

const keys = {
  ...reductionKeys,
  class_weight: z.array(z.number()).nullish().describe('one factor for each class'),
};

export const crossEntropySchema = z
  .strictObject({
    use_sigmoid: z.boolean().default(false).describe('binary cross entropy of each logit'),
    use_soft: z.boolean().default(false).describe('labels are distributions over the classes'),
    ...keys,
  })
  .refine((args) => !(args.use_sigmoid && args.use_soft), {
    message: 'use_sigmoid and use_soft exclude each other; keep one',
    path: ['use_soft'],
  });

export type CrossEntropyArgs = z.input<typeof crossEntropySchema>;

/**
 * Cross entropy over logits: with a softmax over the classes (labels are indices), with distributions for labels
 * (`use_soft`), or of each logit on its own (`use_sigmoid`). Stable for logits of any size.
 *
 * Class weights multiply the losses; `mean` still divides by the number of samples, as upstream does.
 */
export class CrossEntropyLoss implements Loss {
  readonly type = 'CrossEntropyLoss';
  private readonly args: z.output<typeof crossEntropySchema>;

  constructor(args: CrossEntropyArgs = {}) {
    this.args = crossEntropySchema.parse(args);
  }

  compute(logits: tf.Tensor, labels: Labels, options: LossOptions = {}): tf.Tensor {
    return tf.tidy(() => reduce(this.elementwise(logits, labels), this.args, options));
  }

  private elementwise(logits: tf.Tensor, labels: Labels): tf.Tensor {
    if (this.args.use_sigmoid) return this.binary(logits, labels);
    const [batch = 0, classes = 0] = checkLogits(logits, this.type).shape;
    const classWeight = this.classWeight(classes);
    if (areIndices(labels)) {
      const indices = classIndices(labels, batch, classes);
      const loss = softmaxCrossEntropy(logits as tf.Tensor2D, indexRows(indices, classes));
      const weights = classWeight && Float32Array.from(indices, (index) => classWeight[index] ?? 1);
      return weights ? loss.mul(tf.tensor1d(weights)) : loss;
    }
    const terms = softCrossEntropy(logits, rows(logits, labels));
    return (classWeight ? terms.mul(tf.tensor1d(classWeight)) : terms).sum(-1);
  }

  private binary(logits: tf.Tensor, labels: Labels): tf.Tensor {
    const loss = binaryCrossEntropy(logits, binaryTargets(logits, labels));
    const classWeight = this.classWeight(logits.shape[1] ?? 1);
    return classWeight ? loss.mul(tf.tensor1d(classWeight)) : loss;
  }

  private classWeight(classes: number): number[] | undefined {
    const weights = this.args.class_weight;
    if (!weights) return undefined;
    if (weights.length !== classes) {
      throw new ModelError(
        `CrossEntropyLoss has ${weights.length} class weights, the network ${classes} classes: give one for each`,
      );
    }
    return weights;
  }
}

/** The terms −y·log p of any soft labels, which need not sum to 1: `[B, K]`. */
export const softCrossEntropy = (logits: tf.Tensor, target: tf.Tensor): tf.Tensor =>
  target.mul(tf.logSoftmax(logits as tf.Tensor2D, -1)).neg();

/** softplus(x) − x·y: its derivative is σ(x) − y, exactly, for every x. */
export const binaryCrossEntropy = (logits: tf.Tensor, target: tf.Tensor): tf.Tensor =>
  tf.softplus(logits).sub(logits.mul(target));

/** @throws ModelError when the logits aren't `[B, K]`. */
export function checkLogits(logits: tf.Tensor, loss: string): tf.Tensor {
  if (logits.rank === 2) return logits;
  throw new ModelError(`${loss} needs logits [B, K], got [${logits.shape.join(', ')}]`);
}

losses.register({
  type: 'CrossEntropyLoss',
  schema: crossEntropySchema,
  build: (args) => new CrossEntropyLoss(args),
});
losses.register({
  type: 'BinaryCrossEntropyLoss',
  schema: z.strictObject(keys),
  build: (args) => new CrossEntropyLoss({ ...args, use_sigmoid: true }),
});

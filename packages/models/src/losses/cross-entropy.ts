import { tf } from '@bidl/engine';
import { z } from 'zod';
import { LabelError, ModelError } from '../errors.js';
import { classIndices, rows } from './labels.js';
import { losses, type Labels, type Loss, type LossOptions } from './loss.js';
import { reduce } from './reduce.js';

export const crossEntropySchema = z
  .strictObject({
    use_sigmoid: z.boolean().default(false).describe('binary cross entropy of each logit'),
    use_soft: z.boolean().default(false).describe('labels are distributions over the classes'),
    reduction: z.enum(['none', 'mean', 'sum']).default('mean'),
    loss_weight: z.number().default(1),
    class_weight: z.array(z.number()).nullish().describe('one factor for each class'),
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
    const { loss_weight: scale, reduction } = this.args;
    return tf.tidy(() => {
      const loss = reduce(this.elementwise(logits, labels), { reduction, ...options });
      return scale === 1 ? loss : loss.mul(scale);
    });
  }

  private elementwise(logits: tf.Tensor, labels: Labels): tf.Tensor {
    if (this.args.use_sigmoid) return this.binary(logits, labels);
    if (logits.rank !== 2) {
      throw new ModelError(`CrossEntropyLoss needs logits [B, K], got [${logits.shape.join(', ')}]`);
    }
    const logProbability = tf.logSoftmax(logits as tf.Tensor2D, -1);
    const weighed = rows(logits, labels).mul(logProbability).neg();
    const classWeight = this.classWeight(logits.shape[1] ?? 0);
    return (classWeight ? weighed.mul(classWeight) : weighed).sum(-1);
  }

  private binary(logits: tf.Tensor, labels: Labels): tf.Tensor {
    const target = binaryTargets(logits, labels);
    // softplus(x) − x·y: its derivative is σ(x) − y, exactly, for every x.
    const loss = tf.softplus(logits).sub(logits.mul(target));
    const classWeight = this.classWeight(logits.shape[1] ?? 1);
    return classWeight ? loss.mul(classWeight) : loss;
  }

  private classWeight(classes: number): tf.Tensor | undefined {
    const weights = this.args.class_weight;
    if (!weights) return undefined;
    if (weights.length !== classes) {
      throw new ModelError(
        `CrossEntropyLoss has ${weights.length} class weights, the network ${classes} classes: give one for each`,
      );
    }
    return tf.tensor1d(weights);
  }
}

/** Targets of the logits' own shape; class indices of several classes become one-hot rows. */
function binaryTargets(logits: tf.Tensor, labels: Labels): tf.Tensor {
  const given = labels instanceof tf.Tensor ? labels.shape.join() : undefined;
  if (given === logits.shape.join()) return (labels as tf.Tensor).toFloat();
  const single = logits.rank === 1 || logits.shape[1] === 1;
  if (single) {
    const [batch = 0] = logits.shape;
    if (labels instanceof tf.Tensor && labels.size === batch) return labels.toFloat().reshape(logits.shape);
    if (labels instanceof tf.Tensor) {
      throw new LabelError(`labels have shape [${given}], logits [${logits.shape.join(', ')}]`);
    }
    return tf.tensor1d(Float32Array.from(classIndices(labels, batch, 2))).reshape(logits.shape);
  }
  return rows(logits, labels);
}

losses.register({
  type: 'CrossEntropyLoss',
  schema: crossEntropySchema,
  build: (args) => new CrossEntropyLoss(args),
});

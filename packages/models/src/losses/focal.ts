import { tf } from '@bidl/engine';
import { z } from 'zod';
import { binaryCrossEntropy, checkLogits, softCrossEntropy } from './cross-entropy.js';
import { binaryTargets, rows } from './labels.js';
import { losses, type Labels, type Loss, type LossOptions } from './loss.js';
import { reduce, reductionKeys } from './reduce.js';

export const focalSchema = z.strictObject({
  gamma: z.number().nonnegative().default(2).describe('how much easy samples are held down; 0: not at all'),
  alpha: z
    .number()
    .min(0)
    .max(1)
    .nullable()
    .default(0.25)
    .describe('weight of the positive labels; null: none'),
  use_sigmoid: z
    .boolean()
    .default(true)
    .describe('judge each logit alone; false: a softmax over the classes'),
  ...reductionKeys,
});

export type FocalArgs = z.input<typeof focalSchema>;

/**
 * Focal loss (Lin et al. 2017, "Focal loss for dense object detection"), with p the probability given to the label:
 *
 *     −α · (1 − p)^γ · log p
 *
 * With a sigmoid over each logit (α for positive labels, 1 − α for the others; `mean` over all logits), as torchvision
 * and mmcls have it, or with a softmax over the classes, where α takes no part.
 */
export class FocalLoss implements Loss {
  readonly type = 'FocalLoss';
  private readonly args: z.output<typeof focalSchema>;

  constructor(args: FocalArgs = {}) {
    this.args = focalSchema.parse(args);
  }

  compute(logits: tf.Tensor, labels: Labels, options: LossOptions = {}): tf.Tensor {
    const judge = this.args.use_sigmoid ? sigmoidFocal : softmaxFocal;
    return tf.tidy(() => reduce(judge(logits, labels, this.args), this.args, options));
  }
}

type Focus = Pick<z.output<typeof focalSchema>, 'alpha' | 'gamma'>;

function sigmoidFocal(logits: tf.Tensor, labels: Labels, { alpha, gamma }: Focus): tf.Tensor {
  const target = binaryTargets(logits, labels);
  const positive = tf.sigmoid(logits);
  // the probability given to the wrong answer: 1 − p where y is 1, p where it is 0
  const wrong = positive.add(target).sub(positive.mul(target).mul(2));
  const loss = binaryCrossEntropy(logits, target).mul(wrong.pow(gamma));
  return alpha === null ? loss : loss.mul(target.mul(2 * alpha - 1).add(1 - alpha));
}

function softmaxFocal(logits: tf.Tensor, labels: Labels, { gamma }: Focus): tf.Tensor {
  const terms = softCrossEntropy(checkLogits(logits, 'FocalLoss'), rows(logits, labels));
  return terms.mul(tf.sub(1, tf.softmax(logits as tf.Tensor2D)).pow(gamma)).sum(-1);
}

losses.register({ type: 'FocalLoss', schema: focalSchema, build: (args) => new FocalLoss(args) });

import { softmaxCrossEntropy, tf } from '@bidl/engine';
import { z } from 'zod';
import { ModelError } from '../errors.js';
import { binaryCrossEntropy, checkLogits, softCrossEntropy } from './cross-entropy.js';
import { areIndices, classIndices, indexRows, rows } from './labels.js';
import { losses, type Labels, type Loss, type LossOptions } from './loss.js';
import { reduce, reductionKeys } from './reduce.js';

export const labelSmoothSchema = z.strictObject({
  label_smooth_val: z.number().min(0).lt(1).describe('how much of the label is spread over the classes'),
  num_classes: z.number().int().positive().nullish().describe("default: the logits' number of classes"),
  mode: z.enum(['original', 'classy_vision', 'multi_label']).nullish().describe('default: classy_vision'),
  ...reductionKeys,
});

export type LabelSmoothArgs = z.input<typeof labelSmoothSchema>;

/**
 * Cross entropy against smoothed labels (Szegedy et al. 2016, "Rethinking the Inception architecture").
 *
 *     original        (1 − ε)·y + ε / K
 *     classy_vision   (y + ε / K) / (1 + ε)
 *     multi_label     1 − ε where y > 0, else ε; binary cross entropy of each logit
 *
 * Upstream ignores `reduction` and `loss_weight` here; this honours them (their defaults agree with it).
 */
export class LabelSmoothLoss implements Loss {
  readonly type = 'LabelSmoothLoss';
  private readonly args: z.output<typeof labelSmoothSchema>;
  private readonly epsilon: number;

  constructor(args: LabelSmoothArgs) {
    this.args = labelSmoothSchema.parse(args);
    const { label_smooth_val: value, mode } = this.args;
    this.epsilon = (mode ?? 'classy_vision') === 'classy_vision' ? value / (1 + value) : value;
  }

  compute(logits: tf.Tensor, labels: Labels, options: LossOptions = {}): tf.Tensor {
    const [batch = 0, classes = 0] = checkLogits(logits, this.type).shape;
    const wanted = this.args.num_classes ?? classes;
    if (wanted !== classes) {
      throw new ModelError(
        `LabelSmoothLoss has num_classes ${wanted}, but the network gives ${classes} logits; leave num_classes out or set it to ${classes}`,
      );
    }
    return tf.tidy(() => reduce(this.perSample(logits, labels, batch, classes), this.args, options));
  }

  private perSample(logits: tf.Tensor, labels: Labels, batch: number, classes: number): tf.Tensor {
    const { epsilon } = this;
    if (this.args.mode === 'multi_label') {
      const target = tf.where(rows(logits, labels).greater(0), tf.scalar(1 - epsilon), tf.scalar(epsilon));
      return binaryCrossEntropy(logits, target);
    }
    const share = epsilon / classes;
    if (areIndices(labels)) {
      const indices = classIndices(labels, batch, classes);
      return softmaxCrossEntropy(
        logits as tf.Tensor2D,
        indexRows(indices, classes, 1 - epsilon + share, share),
      );
    }
    return softCrossEntropy(
      logits,
      rows(logits, labels)
        .mul(1 - epsilon)
        .add(share),
    ).sum(-1);
  }
}

losses.register({
  type: 'LabelSmoothLoss',
  schema: labelSmoothSchema,
  build: (args) => new LabelSmoothLoss(args),
});

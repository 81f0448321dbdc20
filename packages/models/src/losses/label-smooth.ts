import { tf } from '@bidl/engine';
import { z } from 'zod';
import { ModelError } from '../errors.js';
import { CrossEntropyLoss } from './cross-entropy.js';
import { rows } from './labels.js';
import { losses, type Labels, type Loss, type LossOptions } from './loss.js';

export const labelSmoothSchema = z.strictObject({
  label_smooth_val: z.number().min(0).lt(1).describe('how much of the label is spread over the classes'),
  num_classes: z.number().int().positive().nullish().describe("default: the logits' number of classes"),
  mode: z.enum(['original', 'classy_vision', 'multi_label']).nullish().describe('default: classy_vision'),
  reduction: z.enum(['none', 'mean', 'sum']).default('mean'),
  loss_weight: z.number().default(1),
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
  private readonly epsilon: number;
  private readonly binary: boolean;
  private readonly classes: number | undefined;
  private readonly entropy: CrossEntropyLoss;

  constructor(args: LabelSmoothArgs) {
    const {
      label_smooth_val: value,
      mode,
      num_classes,
      reduction,
      loss_weight,
    } = labelSmoothSchema.parse(args);
    this.epsilon = (mode ?? 'classy_vision') === 'classy_vision' ? value / (1 + value) : value;
    this.binary = mode === 'multi_label';
    this.classes = num_classes ?? undefined;
    this.entropy = new CrossEntropyLoss({
      use_sigmoid: this.binary,
      use_soft: !this.binary,
      reduction,
      loss_weight,
    });
  }

  compute(logits: tf.Tensor, labels: Labels, options: LossOptions = {}): tf.Tensor {
    const classes = logits.shape[1] ?? 0;
    if (logits.rank !== 2) {
      throw new ModelError(`LabelSmoothLoss needs logits [B, K], got [${logits.shape.join(', ')}]`);
    }
    if (this.classes !== undefined && this.classes !== classes) {
      throw new ModelError(
        `LabelSmoothLoss has num_classes ${this.classes}, but the network gives ${classes} logits; leave num_classes out or set it to ${classes}`,
      );
    }
    return tf.tidy(() => {
      const target = rows(logits, labels);
      const smooth = this.binary
        ? tf.where(target.greater(0), tf.scalar(1 - this.epsilon), tf.scalar(this.epsilon))
        : target.mul(1 - this.epsilon).add(this.epsilon / classes);
      return this.entropy.compute(logits, smooth, options);
    });
  }
}

losses.register({
  type: 'LabelSmoothLoss',
  schema: labelSmoothSchema,
  build: (args) => new LabelSmoothLoss(args),
});

import { tf } from '@bidl/engine';
import { z } from 'zod';
import { ModelError } from '../errors.js';
import { areIndices, classIndices } from './labels.js';
import { losses, type Labels, type Loss, type LossOptions } from './loss.js';
import { reduce, reductionKeys } from './reduce.js';

export const tetSchema = z.strictObject({
  loss: losses.schema().default({ type: 'CrossEntropyLoss' }).describe('what judges every step'),
  lamb: z.number().min(0).max(1).default(0.05).describe('weight of the regulariser'),
  means: z.number().default(1).describe('what the regulariser pulls every logit to: the firing threshold'),
  loss_weight: reductionKeys.loss_weight,
});

export type TetArgs = z.input<typeof tetSchema>;

/**
 * Temporal efficient training (Deng et al. 2022, "Temporal efficient training of spiking neural network via gradient
 * re-weighting"): the loss of every time step instead of the loss of their mean.
 *
 *     (1 − lamb) · mean over t of loss(logits_t, y) + lamb · mean of (logits − means)²
 *
 * It needs a network that gives the logits of every step, `[B, T, K]`: `aggregate: 'none'`.
 */
export class TetLoss implements Loss {
  readonly type = 'TETLoss';
  readonly perStep = true;
  private readonly args: z.output<typeof tetSchema>;
  private readonly step: Loss;

  constructor(args: TetArgs = {}) {
    this.args = tetSchema.parse(args);
    this.step = losses.build(this.args.loss, undefined, 'model.head.loss.loss');
  }

  compute(logits: tf.Tensor, labels: Labels, options: LossOptions = {}): tf.Tensor {
    const [batch = 0, steps = 0, classes = 0] = logits.shape;
    if (logits.rank !== 3) {
      throw new ModelError(
        `TETLoss needs the logits of every step [B, T, K], got [${logits.shape.join(', ')}]; set aggregate: 'none' in model.backbone`,
      );
    }
    const { lamb, means, loss_weight } = this.args;
    return tf.tidy(() => {
      const folded = logits.reshape([batch * steps, classes]);
      const judged = this.step.compute(folded, repeated(labels, [batch, steps, classes]), options);
      const loss = judged.mul((1 - lamb) * loss_weight);
      if (lamb === 0) return loss;
      const pull = { reduction: 'mean', loss_weight: lamb * loss_weight } as const;
      return loss.add(reduce(logits.sub(means).square(), pull));
    });
  }
}

/** Labels of every sample, once for each of its steps. @throws LabelError naming the sample. */
function repeated(labels: Labels, [batch, steps, classes]: readonly [number, number, number]): Labels {
  if (labels instanceof tf.Tensor && !areIndices(labels)) {
    return tf.tile(labels.expandDims(1), [1, steps, 1]).reshape([batch * steps, -1]);
  }
  const indices = classIndices(labels, batch, classes);
  return Int32Array.from({ length: batch * steps }, (_, i) => indices[Math.floor(i / steps)] ?? 0);
}

losses.register({ type: 'TETLoss', schema: tetSchema, build: (args) => new TetLoss(args) });

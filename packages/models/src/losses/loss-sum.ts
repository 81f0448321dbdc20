import { tf } from '@bidl/engine';
import type { Labels, Loss, LossOptions } from './loss.js';

/** Several losses added up, each with its own `loss_weight`. */
export class LossSum implements Loss {
  readonly type = 'LossSum';
  /** Then a term that judges the mean over time gets the mean. */
  readonly perStep: boolean;

  constructor(private readonly terms: readonly Loss[]) {
    this.perStep = terms.some((term) => term.perStep);
  }

  compute(logits: tf.Tensor, labels: Labels, options: LossOptions = {}): tf.Tensor {
    return tf.tidy(() => tf.addN(this.terms.map((term) => lossOf(term, logits, labels, options))));
  }
}

/** A loss of logits `[B, K]` or `[B, T, K]`; one that doesn't judge every step gets their mean over time. */
export function lossOf(loss: Loss, logits: tf.Tensor, labels: Labels, options?: LossOptions): tf.Tensor {
  return loss.compute(loss.perStep ? logits : overTime(logits), labels, options);
}

/** Logits `[B, K]`: the mean over time of `[B, T, K]`. */
export const overTime = (logits: tf.Tensor): tf.Tensor => (logits.rank === 3 ? tf.mean(logits, 1) : logits);

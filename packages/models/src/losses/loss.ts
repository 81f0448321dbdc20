import type { tf } from '@bidl/engine';
import { registry } from '@bidl/registry';

export type Reduction = 'none' | 'mean' | 'sum';

/** Class indices `[B]`, or one-hot or soft labels `[B, K]`. */
export type Labels = tf.Tensor | ArrayLike<number>;

export interface LossOptions {
  /** One weight per sample, `[B]`. */
  readonly weight?: tf.Tensor;
  /** Divide the sum by this instead of the number of samples; only with `mean`. */
  readonly avgFactor?: number;
  /** Instead of the loss's own reduction. */
  readonly reduction?: Reduction;
}

/** A loss over logits; differentiable in the logits. */
export interface Loss {
  readonly type: string;
  /** It judges every time step: it takes logits `[B, T, K]`. Others take `[B, K]`. */
  readonly perStep?: boolean;
  /** @throws LabelError when the labels don't fit the logits. */
  compute(logits: tf.Tensor, labels: Labels, options?: LossOptions): tf.Tensor;
}

/** Losses by the names that configs use. */
export const losses = registry<Loss>('loss');

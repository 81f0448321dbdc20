import type { tf } from '@bidl/engine';
import { registry } from '@bidl/registry';

/** What a backbone is built for, apart from its own arguments. */
export interface BackboneContext {
  /** One sample, `[T, H, W, C]` or `[T, F]`. */
  readonly inputShape: readonly number[];
  /** The run's seed; weights start from it and their names. */
  readonly seed: number;
}

/** Backbones by the names that configs use: checked arguments to a `tf.LayersModel` over `[B, T, ...]`. */
export const backbones = registry<tf.LayersModel, BackboneContext>('backbone');

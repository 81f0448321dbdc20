import type { Reset } from '@bidl/dynamics';
import { tf } from '@bidl/engine';
import type { FcLifArgs } from './fc-lif.js';
import { RLif } from './rlif.js';

export interface RCubaLifArgs extends Omit<FcLifArgs, 'neuron' | 'mode' | 'memb_mode'> {
  /** What a spike does to the membrane. Default `zero`. */
  reset?: Reset;
}

/**
 * {@link RLif} of current-based neurons, the usual hidden layer for SHD and SSC: `[B, T, F] -> [B, T, hidden_channel]`.
 *
 * Weights: those of {@link RLif}, and the neuron's `alpha` (decay of the current), `beta` (of the membrane), `theta`, `v0`.
 *
 * @example
 * const out = new RCubaLif({ hidden_channel: 128, name: 'rcuba1' }).apply(tf.randomNormal([2, 100, 700]));
 */
export class RCubaLif extends RLif {
  static override readonly className = 'RCubaLif';

  constructor({ reset, ...args }: RCubaLifArgs) {
    super({ ...args, neuron: { type: 'CubaLIF', ...(reset && { reset }) } });
  }

  override getConfig(): tf.serialization.ConfigDict {
    const { neuron, ...config } = super.getConfig();
    const { reset } = neuron as { reset?: Reset };
    return { ...config, ...(reset && { reset }) };
  }
}

tf.serialization.registerClass(RCubaLif);

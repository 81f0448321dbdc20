import { tf } from '@bidl/engine';
import { FcLif, type FcLifArgs } from './fc-lif.js';
import { lifPlusMembrane, type LifPlusArgs } from './lif-plus-membrane.js';
import type { Membrane } from './membrane.js';

export type FcLifPlusArgs = Omit<FcLifArgs, 'neuron'> & LifPlusArgs;

/**
 * A linear synapse and LIF+ neurons: `[B, T, F] -> [B, T, hidden_channel]`. Training noise is 1e-3 by default.
 *
 * @example
 * const out = new FcLifPlus({ hidden_channel: 256, input_accum: 1 }).apply(tf.randomNormal([2, 10, 64]));
 */
export class FcLifPlus extends FcLif {
  static override readonly className: string = 'FcLifPlus';
  constructor(args: FcLifPlusArgs) {
    super({ noise: 1e-3, ...args });
  }
  protected override membraneOf(args: FcLifPlusArgs): Membrane {
    return lifPlusMembrane(args, this.name);
  }
}

tf.serialization.registerClass(FcLifPlus);

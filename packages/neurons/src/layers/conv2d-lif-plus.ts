import { tf } from '@bidl/engine';
import { Conv2dLif, type Conv2dLifArgs } from './conv2d-lif.js';
import { lifPlusMembrane, type LifPlusArgs } from './lif-plus-membrane.js';
import type { Membrane } from './membrane.js';
import type { NormPlace } from './spiking-layer.js';

export type Conv2dLifPlusArgs = Omit<Conv2dLifArgs, 'neuron' | 'norm_state'> &
  LifPlusArgs & {
    /** BatchNorm on the neurons' sum. Default on. */
    norm_state?: boolean;
  };

/**
 * A convolution and LIF+ neurons: `[B, T, H, W, C] -> [B, T, H', W', hidden_channel]`. Training noise is 1e-3 by
 * default.
 *
 * @example
 * const clif = new Conv2dLifPlus({ hidden_channel: 32, kernel_size: 3, padding: 1, input_accum: 1 });
 * const out = clif.apply(tf.zeros([2, 10, 40, 40, 2]));
 */
export class Conv2dLifPlus extends Conv2dLif {
  static override readonly className: string = 'Conv2dLifPlus';
  constructor(args: Conv2dLifPlusArgs) {
    super({ noise: 1e-3, ...args });
  }
  protected override membraneOf(args: Conv2dLifPlusArgs): Membrane {
    return lifPlusMembrane(args, this.name);
  }
  protected override normPlaceOf(on: boolean): NormPlace {
    return on ? 'inside' : 'none';
  }
}

tf.serialization.registerClass(Conv2dLifPlus);

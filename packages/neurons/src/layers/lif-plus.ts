import { tf } from '@bidl/engine';
import { Lif, Lif1d, Lif2d, type LifArgs } from './lif.js';
import { lifPlusMembrane, type LifPlusArgs } from './lif-plus-membrane.js';
import type { Membrane } from './membrane.js';

/** LIF+ has no neuron of your own: give {@link Lif} one. */
export type LifPlusLayerArgs = Omit<LifArgs, 'neuron'> & LifPlusArgs;

/**
 * LIF+ neurons without a synapse, one for each input value: `[B, T, ...] -> [B, T, ...]`. The equations, and upstream's
 * deviations from its manual, stand with `lifPlus` in `@bidl/dynamics`.
 *
 * @example
 * const out = new LifPlus({ input_accum: 1, trig_current: 1 }).apply(tf.randomNormal([2, 10, 64]));
 */
export class LifPlus extends Lif {
  static override readonly className: string = 'LifPlus';
  constructor(args: LifPlusLayerArgs = {}) {
    super(args);
  }
  protected override membraneOf(args: LifPlusLayerArgs): Membrane {
    return lifPlusMembrane(args, this.name);
  }
}

/** {@link LifPlus} over vectors, `[B, T, F]`. */
export class LifPlus1d extends Lif1d {
  static override readonly className: string = 'LifPlus1d';
  constructor(args: LifPlusLayerArgs = {}) {
    super(args);
  }
  protected override membraneOf(args: LifPlusLayerArgs): Membrane {
    return lifPlusMembrane(args, this.name);
  }
}

/** {@link LifPlus} over images, `[B, T, H, W, C]`. */
export class LifPlus2d extends Lif2d {
  static override readonly className: string = 'LifPlus2d';
  constructor(args: LifPlusLayerArgs = {}) {
    super(args);
  }
  protected override membraneOf(args: LifPlusLayerArgs): Membrane {
    return lifPlusMembrane(args, this.name);
  }
}

tf.serialization.registerClass(LifPlus);
tf.serialization.registerClass(LifPlus1d);
tf.serialization.registerClass(LifPlus2d);

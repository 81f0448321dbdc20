import { tf } from '@bidl/engine';
import { LayerError } from '../errors.js';
import { SpikingLayer, type NormPlace, type SpikingArgs } from './spiking-layer.js';

export interface LifArgs extends SpikingArgs {
  /** BatchNorm on input + membrane; upstream's Lif1d gives the number of channels here. Default off. */
  norm_state?: boolean | number;
  /** Accepted from upstream's configs and checked against the input. */
  hidden_channel?: number;
}

/**
 * LIF neurons without a synapse, one for each input value: `[B, T, ...] -> [B, T, ...]`.
 *
 * @example
 * const out = new Lif({ mode: 'analog' }).apply(tf.randomNormal([2, 10, 64]));
 */
export class Lif extends SpikingLayer {
  static readonly className: string = 'Lif';
  readonly normPlace: NormPlace;
  private readonly channels: number | undefined;

  constructor(args: LifArgs = {}) {
    super(args);
    this.normPlace = args.norm_state ? 'inside' : 'none';
    this.channels =
      args.hidden_channel ?? (typeof args.norm_state === 'number' ? args.norm_state || undefined : undefined);
  }

  protected currentShape(inputShape: tf.Shape): tf.Shape {
    if (inputShape.length < 3) {
      throw new LayerError(this.name, `needs [B, T, ...], got [${inputShape.join(', ')}]`);
    }
    const channels = inputShape.at(-1);
    if (this.channels !== undefined && channels !== null && channels !== this.channels) {
      throw new LayerError(
        this.name,
        `was told ${this.channels} channels and gets an input with ${channels}; channels come last here`,
      );
    }
    return inputShape;
  }

  protected current(x: tf.Tensor): tf.Tensor {
    return x;
  }

  protected buildSynapse(): void {
    // No synapse, no weights.
  }
}

/** {@link Lif} over vectors, `[B, T, F]`. */
export class Lif1d extends Lif {
  static override readonly className: string = 'Lif1d';

  protected override currentShape(inputShape: tf.Shape): tf.Shape {
    if (inputShape.length !== 3) {
      throw new LayerError(
        this.name,
        `needs [B, T, F], got [${inputShape.join(', ')}]; use Lif2d for images`,
      );
    }
    return super.currentShape(inputShape);
  }
}

/** {@link Lif} over images, `[B, T, H, W, C]`. */
export class Lif2d extends Lif {
  static override readonly className: string = 'Lif2d';

  protected override currentShape(inputShape: tf.Shape): tf.Shape {
    if (inputShape.length !== 5) {
      throw new LayerError(
        this.name,
        `needs [B, T, H, W, C], got [${inputShape.join(', ')}]; use Lif1d for vectors`,
      );
    }
    return super.currentShape(inputShape);
  }
}

tf.serialization.registerClass(Lif);
tf.serialization.registerClass(Lif1d);
tf.serialization.registerClass(Lif2d);

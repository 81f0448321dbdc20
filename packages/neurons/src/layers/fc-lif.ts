import { tf } from '@bidl/engine';
import { LayerError } from '../errors.js';
import { torchDefault } from '../init/torch-default.js';
import { checkFeedBack, positive } from './checks.js';
import { fold, unfold } from './fold.js';
import { SpikingLayer, type NormPlace, type SpikingArgs } from './spiking-layer.js';

export interface FcLifArgs extends SpikingArgs {
  /** Input features; read off the input when left out. */
  input_channel?: number;
  /** Neurons. */
  hidden_channel: number;
  /** Feedback from the neurons to their input; upstream refuses it too. */
  feed_back?: false;
  /** BatchNorm on input + membrane. Default on. */
  norm_state?: boolean;
}

/**
 * A linear synapse and LIF neurons: `[B, T, F] -> [B, T, hidden_channel]`.
 *
 * Weights: `<layer>/kernel` `[F, hidden_channel]`, `<layer>/bias`, and those of {@link SpikingLayer}.
 *
 * @example
 * const out = new FcLif({ hidden_channel: 256, name: 'flif1' }).apply(tf.randomNormal([2, 10, 64]));
 */
export class FcLif extends SpikingLayer {
  static readonly className: string = 'FcLif';
  readonly normPlace: NormPlace;
  private readonly inputChannels: number | undefined;
  private readonly units: number;
  private kernel: tf.LayerVariable | undefined;
  private biasWeight: tf.LayerVariable | undefined;

  constructor(args: FcLifArgs) {
    super(args);
    checkFeedBack(args.feed_back, this.name);
    this.units = positive(args.hidden_channel, 'hidden_channel', this.name);
    this.inputChannels = args.input_channel;
    this.normPlace = (args.norm_state ?? true) ? 'inside' : 'none';
  }

  protected currentShape(inputShape: tf.Shape): tf.Shape {
    const [batch = null, steps = null, features] = inputShape;
    if (inputShape.length !== 3) {
      throw new LayerError(
        this.name,
        `needs [B, T, F], got [${inputShape.join(', ')}]; put OverTime(flatten) in front of it`,
      );
    }
    if (this.inputChannels !== undefined && features !== this.inputChannels) {
      throw new LayerError(
        this.name,
        `input_channel is ${this.inputChannels}, but the input has ${features} features`,
      );
    }
    return [batch, steps, this.units];
  }

  protected buildSynapse(inputShape: tf.Shape): void {
    const features = positive(inputShape[2], 'the number of input features', this.name);
    const start = torchDefault(features, this.seed, this.name);
    this.kernel = this.addWeight('kernel', [features, this.units], 'float32', start.kernel);
    this.biasWeight = this.addWeight('bias', [this.units], 'float32', start.bias);
  }

  protected current(x: tf.Tensor): tf.Tensor {
    if (!this.kernel) throw new LayerError(this.name, 'is used before it is built');
    const kernel = this.kernel.read() as tf.Tensor2D;
    return unfold(tf.matMul(fold(x, this.name) as tf.Tensor2D, kernel), x);
  }

  protected override bias(): tf.Tensor | undefined {
    return this.biasWeight?.read();
  }
}

tf.serialization.registerClass(FcLif);

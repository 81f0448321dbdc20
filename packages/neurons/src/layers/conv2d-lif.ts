import type { NeuronDefinition } from '@bidl/dynamics';
import { convScan, tf, type ScanArgs, type ScanResult } from '@bidl/engine';
import { LayerError } from '../errors.js';
import { torchDefault } from '../init/torch-default.js';
import { checkFeedBack, positive } from './checks.js';
import {
  checkGroups,
  convolutionOf,
  convolve,
  kernelShape,
  placesAlong,
  type Convolution,
  type ConvolutionArgs,
} from './convolution.js';
import { fold, unfold } from './fold.js';
import { SpikingLayer, type NormPlace, type SpikingArgs } from './spiking-layer.js';

export interface Conv2dLifArgs extends SpikingArgs, ConvolutionArgs {
  /** Input channels; read off the input when left out. */
  input_channel?: number;
  /** Output channels. */
  hidden_channel: number;
  /** Upstream refuses it too. */
  feed_back?: false;
  /** true: BatchNorm on input + membrane; false: BatchNorm after convolution and pooling. Default true. */
  norm_state?: boolean;
  /** 2x2 max-pooling between the convolution and the neurons. Default false. */
  mp?: boolean;
}

/**
 * A convolution and LIF neurons: `[B, T, H, W, C] -> [B, T, H', W', hidden_channel]`.
 *
 * The convolution sees time folded into the batch, in one call. Weights: `<layer>/kernel` `[kh, kw, C / groups,
 * hidden_channel]`, `<layer>/bias`, and those of {@link SpikingLayer}.
 *
 * @example
 * const clif = new Conv2dLif({ hidden_channel: 32, kernel_size: 3, padding: 1, name: 'clif1' });
 * const out = clif.apply(tf.zeros([2, 10, 40, 40, 2]));
 */
export class Conv2dLif extends SpikingLayer {
  static readonly className: string = 'Conv2dLif';
  readonly normPlace: NormPlace;
  private readonly inputChannels: number | undefined;
  private readonly channels: number;
  readonly geometry: Convolution;
  readonly pooled: boolean;
  private kernel: tf.LayerVariable | undefined;
  private biasWeight: tf.LayerVariable | undefined;

  constructor(args: Conv2dLifArgs) {
    super(args);
    checkFeedBack(args.feed_back, this.name);
    this.inputChannels = args.input_channel;
    this.channels = positive(args.hidden_channel, 'hidden_channel', this.name);
    this.geometry = convolutionOf(args, this.name);
    checkGroups('hidden_channel', this.channels, this.geometry.groups, this.name);
    this.normPlace = this.normPlaceOf(args.norm_state ?? true);
    this.pooled = args.mp ?? false;
  }

  /** Where a BatchNorm sits that is on or off. */
  protected normPlaceOf(on: boolean): NormPlace {
    return on ? 'inside' : 'before';
  }

  protected currentShape(inputShape: tf.Shape): tf.Shape {
    const [batch = null, steps = null, height = null, width = null, channels] = inputShape;
    if (inputShape.length !== 5) {
      throw new LayerError(this.name, `needs [B, T, H, W, C], got [${inputShape.join(', ')}]`);
    }
    if (this.inputChannels !== undefined && channels !== this.inputChannels) {
      throw new LayerError(
        this.name,
        `input_channel is ${this.inputChannels}, but the input has ${channels} channels; channels come last here`,
      );
    }
    const { kernelSize, stride, padding } = this.geometry;
    const size = (n: number | null, axis: 0 | 1): number | null => {
      const out = placesAlong(n, axis, this.geometry);
      const pooled = out !== null && this.pooled ? Math.floor(out / 2) : out;
      if (pooled !== null && pooled < 1) {
        throw new LayerError(
          this.name,
          `has nothing left of an input of ${height}x${width}: kernel ${kernelSize.join('x')}, stride ` +
            `${stride.join('x')}, padding ${padding.join('x')}${this.pooled ? ', pooling 2x2' : ''}`,
        );
      }
      return pooled;
    };
    return [batch, steps, size(height, 0), size(width, 1), this.channels];
  }

  protected buildSynapse(inputShape: tf.Shape): void {
    const input = positive(inputShape[4], 'the number of input channels', this.name);
    const shape = kernelShape(this.geometry, input, this.channels, this.name);
    const [kh, kw, perGroup] = shape;
    const start = torchDefault(kh * kw * perGroup, this.seed, this.name);
    this.kernel = this.addWeight('kernel', shape, 'float32', start.kernel);
    this.biasWeight = this.addWeight('bias', [this.channels], 'float32', start.bias);
  }

  protected current(x: tf.Tensor): tf.Tensor {
    if (!this.kernel) throw new LayerError(this.name, 'is used before it is built');
    const folded = fold(x, this.name) as tf.Tensor4D;
    // Pooling before the bias gives the same numbers: adding it keeps the order of the values.
    const y = convolve(folded, this.kernel.read() as tf.Tensor4D, this.geometry);
    return unfold(this.pooled ? tf.maxPool(y, 2, 2, 'valid') : y, x);
  }

  protected override synapseAndScan(
    x: tf.Tensor,
    args: Omit<ScanArgs, 'x'>,
    neuron: NeuronDefinition,
  ): ScanResult | undefined {
    if (this.pooled || this.geometry.groups > 1 || !this.kernel) return undefined;
    const { stride, padding } = this.geometry;
    const kernel = this.kernel.read() as tf.Tensor4D;
    return convScan(neuron, { ...args, x: x as tf.Tensor5D, kernel, stride, padding });
  }

  protected override bias(): tf.Tensor | undefined {
    return this.biasWeight?.read();
  }
}

tf.serialization.registerClass(Conv2dLif);

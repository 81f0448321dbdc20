import { tf } from '@bidl/engine';
import { LayerError } from '../errors.js';
import { torchDefault } from '../init/torch-default.js';
import { positive } from './checks.js';
import {
  checkGroups,
  convolutionOf,
  convolve,
  kernelShape,
  placesAlong,
  type Convolution,
  type ConvolutionArgs,
} from './convolution.js';
import { asFloat, fold, oneShape, unfold } from './fold.js';
import { PerStepLayer, type LayerArgs } from './per-step-layer.js';

export interface Conv2dArgs extends LayerArgs, ConvolutionArgs {
  /** Output channels. */
  out_channels: number;
  /** Default true. */
  bias?: boolean;
  /** The run's seed, for the start of the weights. Default 0. */
  seed?: number;
}

/**
 * A convolution of every time step, `[B, T, H, W, C] -> [B, T, H', W', out_channels]`, in one call, padded as PyTorch
 * pads: the same on every side (tfjs's "same" puts the extra row of a stride at the end).
 *
 * Weights: `<layer>/kernel` `[kh, kw, C / groups, out_channels]`, `<layer>/bias`.
 *
 * @example
 * const out = new Conv2d({ out_channels: 64, kernel_size: 7, stride: 2, padding: 3 }).apply(tf.zeros([1, 2, 32, 32, 3]));
 */
export class Conv2d extends PerStepLayer {
  static readonly className = 'Conv2d';
  readonly geometry: Convolution;
  private readonly args: Conv2dArgs;
  private kernel: tf.LayerVariable | undefined;
  private biasWeight: tf.LayerVariable | undefined;

  constructor(args: Conv2dArgs) {
    super(args.name === undefined ? {} : { name: args.name });
    this.args = args;
    positive(args.out_channels, 'out_channels', this.name);
    this.geometry = convolutionOf(args, this.name);
    checkGroups('out_channels', args.out_channels, this.geometry.groups, this.name);
  }

  override build(inputShape: tf.Shape | tf.Shape[]): void {
    this.computeOutputShape(inputShape);
    const input = positive(oneShape(inputShape, this.name)[4], 'the number of input channels', this.name);
    const shape = kernelShape(this.geometry, input, this.args.out_channels, this.name);
    const [kh, kw, perGroup] = shape;
    const start = torchDefault(kh * kw * perGroup, this.args.seed ?? 0, this.name);
    this.kernel = this.addWeight('kernel', shape, 'float32', start.kernel);
    if (this.args.bias ?? true) {
      this.biasWeight = this.addWeight('bias', [this.args.out_channels], 'float32', start.bias);
    }
    super.build(inputShape);
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    const shape = oneShape(inputShape, this.name);
    const [batch = null, steps = null, height = null, width = null] = shape;
    if (shape.length !== 5) {
      throw new LayerError(this.name, `needs [B, T, H, W, C], got [${shape.join(', ')}]`);
    }
    const sizes = [placesAlong(height, 0, this.geometry), placesAlong(width, 1, this.geometry)];
    if (sizes.some((size) => size !== null && size < 1)) {
      throw new LayerError(this.name, `has nothing left of an input of ${height}x${width}`);
    }
    return [batch, steps, ...sizes, this.args.out_channels];
  }

  /** The convolution without its bias. */
  current(x: tf.Tensor): tf.Tensor {
    if (!this.kernel) throw new LayerError(this.name, 'is used before it is built');
    const images = fold(asFloat(x), this.name) as tf.Tensor4D;
    return unfold(convolve(images, this.kernel.read() as tf.Tensor4D, this.geometry), x);
  }

  /** `[out_channels]`, where it has one. */
  bias(): tf.Tensor | undefined {
    return this.biasWeight?.read();
  }

  protected transform(x: tf.Tensor): tf.Tensor {
    const bias = this.bias();
    return bias ? this.current(x).add(bias) : this.current(x);
  }

  override getConfig(): tf.serialization.ConfigDict {
    const {
      kernel_size,
      stride = 1,
      padding = 0,
      groups = 1,
      out_channels,
      bias = true,
      seed = 0,
    } = this.args;
    const own = { kernel_size, stride, padding, groups, out_channels, bias, seed };
    return { ...super.getConfig(), ...(own as tf.serialization.ConfigDict) };
  }
}

tf.serialization.registerClass(Conv2d);

import { tf } from '@bidl/engine';
import { LayerError } from '../errors.js';
import { torchDefault } from '../init/torch-default.js';
import { checkFeedBack, pair, positive } from './checks.js';
import { fold, unfold } from './fold.js';
import { SpikingLayer, type NormPlace, type SpikingArgs } from './spiking-layer.js';

export interface Conv2dLifArgs extends SpikingArgs {
  /** Input channels; read off the input when left out. */
  input_channel?: number;
  /** Output channels. */
  hidden_channel: number;
  kernel_size: number | readonly number[];
  /** Default 1. */
  stride?: number | readonly number[];
  /** Zeros on every side. Default 0. */
  padding?: number | readonly number[];
  /** Default 1. */
  groups?: number;
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
  private readonly kernelSize: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly groups: number;
  readonly pooled: boolean;
  private kernel: tf.LayerVariable | undefined;
  private biasWeight: tf.LayerVariable | undefined;

  constructor(args: Conv2dLifArgs) {
    super(args);
    checkFeedBack(args.feed_back, this.name);
    this.inputChannels = args.input_channel;
    this.channels = positive(args.hidden_channel, 'hidden_channel', this.name);
    this.kernelSize = pair(args.kernel_size, 'kernel_size', 1, this.name);
    this.stride = pair(args.stride ?? 1, 'stride', 1, this.name);
    this.padding = pair(args.padding ?? 0, 'padding', 0, this.name);
    this.groups = positive(args.groups ?? 1, 'groups', this.name);
    this.normPlace = this.normPlaceOf(args.norm_state ?? true);
    this.pooled = args.mp ?? false;
    if (this.channels % this.groups !== 0) {
      throw new LayerError(
        this.name,
        `hidden_channel ${this.channels} can't be split into ${this.groups} groups`,
      );
    }
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
    const size = (n: number | null, axis: 0 | 1): number | null => {
      if (n === null) return null;
      const out = Math.floor((n + 2 * this.padding[axis] - this.kernelSize[axis]) / this.stride[axis]) + 1;
      const pooled = this.pooled ? Math.floor(out / 2) : out;
      if (pooled < 1) {
        throw new LayerError(
          this.name,
          `has nothing left of an input of ${height}x${width}: kernel ${this.kernelSize.join('x')}, stride ` +
            `${this.stride.join('x')}, padding ${this.padding.join('x')}${this.pooled ? ', pooling 2x2' : ''}`,
        );
      }
      return pooled;
    };
    return [batch, steps, size(height, 0), size(width, 1), this.channels];
  }

  protected buildSynapse(inputShape: tf.Shape): void {
    const input = positive(inputShape[4], 'the number of input channels', this.name);
    if (input % this.groups !== 0) {
      throw new LayerError(this.name, `${input} input channels can't be split into ${this.groups} groups`);
    }
    const [kh, kw] = this.kernelSize;
    const perGroup = input / this.groups;
    const start = torchDefault(kh * kw * perGroup, this.seed, this.name);
    this.kernel = this.addWeight('kernel', [kh, kw, perGroup, this.channels], 'float32', start.kernel);
    this.biasWeight = this.addWeight('bias', [this.channels], 'float32', start.bias);
  }

  protected current(x: tf.Tensor): tf.Tensor {
    if (!this.kernel) throw new LayerError(this.name, 'is used before it is built');
    const folded = fold(x, this.name) as tf.Tensor4D;
    // Pooling before the bias gives the same numbers: adding it keeps the order of the values.
    const y = this.convolve(folded, this.kernel.read() as tf.Tensor4D);
    return unfold(this.pooled ? tf.maxPool(y, 2, 2, 'valid') : y, x);
  }

  protected override bias(): tf.Tensor | undefined {
    return this.biasWeight?.read();
  }

  private convolve(x: tf.Tensor4D, kernel: tf.Tensor4D): tf.Tensor4D {
    const [ph, pw] = this.padding;
    const [kh, kw] = this.kernelSize;
    const stride: [number, number] = [...this.stride];
    // 'same' needs no padded copy; it means symmetric padding only at stride 1 and with odd kernels.
    const same = stride.every((s) => s === 1) && 2 * ph === kh - 1 && 2 * pw === kw - 1;
    const padded =
      same || (ph === 0 && pw === 0)
        ? x
        : tf.pad4d(x, [
            [0, 0],
            [ph, ph],
            [pw, pw],
            [0, 0],
          ]);
    const convolve = (part: tf.Tensor4D, weights: tf.Tensor4D) =>
      tf.conv2d(part, weights, stride, same ? 'same' : 'valid');
    if (this.groups === 1) return convolve(padded, kernel);
    const kernels = tf.split(kernel, this.groups, 3) as tf.Tensor4D[];
    const parts = tf.split(padded, this.groups, 3) as tf.Tensor4D[];
    return tf.concat(
      parts.map((part, i) => convolve(part, kernels[i] ?? kernel)),
      3,
    );
  }
}

tf.serialization.registerClass(Conv2dLif);

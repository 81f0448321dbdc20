import { maxPool, tf } from '@bidl/engine';
import { LayerError } from '../errors.js';
import { pair } from './checks.js';
import { placesAlong } from './convolution.js';
import { fold, oneShape, unfold } from './fold.js';
import { PerStepLayer, type LayerArgs } from './per-step-layer.js';

export interface MaxPool2dArgs extends LayerArgs {
  kernel_size: number | readonly number[];
  /** Default: the kernel's size. */
  stride?: number | readonly number[];
  /** On every side; what lies outside never wins. Default 0. */
  padding?: number | readonly number[];
}

/**
 * Max-pooling of every time step, `[B, T, H, W, C] -> [B, T, H', W', C]`, padded as PyTorch pads: the same on every
 * side.
 *
 * @example
 * const out = new MaxPool2d({ kernel_size: 3, stride: 2, padding: 1 }).apply(tf.zeros([1, 2, 16, 16, 64]));
 */
export class MaxPool2d extends PerStepLayer {
  static readonly className = 'MaxPool2d';
  readonly kernelSize: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];

  constructor({ kernel_size, stride = kernel_size, padding = 0, name }: MaxPool2dArgs) {
    super(name === undefined ? {} : { name });
    this.kernelSize = pair(kernel_size, 'kernel_size', 1, this.name);
    this.stride = pair(stride, 'stride', 1, this.name);
    this.padding = pair(padding, 'padding', 0, this.name);
    if (this.padding.some((size, axis) => 2 * size > (this.kernelSize[axis] ?? 0))) {
      throw new LayerError(this.name, `padding ${this.padding.join('x')} is more than half of the kernel`);
    }
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    const shape = oneShape(inputShape, this.name);
    const [batch = null, steps = null, height = null, width = null, channels = null] = shape;
    if (shape.length !== 5) {
      throw new LayerError(this.name, `needs [B, T, H, W, C], got [${shape.join(', ')}]`);
    }
    const sizes = [placesAlong(height, 0, this), placesAlong(width, 1, this)];
    if (sizes.some((size) => size !== null && size < 1)) {
      throw new LayerError(this.name, `has nothing left of an input of ${height}x${width}`);
    }
    return [batch, steps, ...sizes, channels];
  }

  protected transform(x: tf.Tensor): tf.Tensor {
    const images = fold(x, this.name) as tf.Tensor4D;
    return unfold(maxPool(images, this.kernelSize, this.stride, this.padding), x);
  }

  override getConfig(): tf.serialization.ConfigDict {
    const { kernelSize, stride, padding } = this;
    const own = { kernel_size: [...kernelSize], stride: [...stride], padding: [...padding] };
    return { ...super.getConfig(), ...own };
  }
}

tf.serialization.registerClass(MaxPool2d);

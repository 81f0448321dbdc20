import { tf } from '@bidl/engine';
import { LayerError } from '../errors.js';
import { oneShape } from './fold.js';
import { PerStepLayer } from './per-step-layer.js';

export interface StandardizeArgs {
  /** One number for each channel. */
  readonly mean: readonly number[];
  /** One number for each channel, none of them 0. */
  readonly std: readonly number[];
  readonly name?: string;
}

/**
 * (x − mean) / std by channel, with numbers that a data set is known by: `[B, T, ..., C] -> [B, T, ..., C]`.
 *
 * @example
 * new Standardize({ mean: [118.7, 111.1, 106.9], std: [60.5, 62, 60.8] }).apply(tf.zeros([1, 8, 32, 32, 3]));
 */
export class Standardize extends PerStepLayer {
  static readonly className = 'Standardize';
  readonly mean: readonly number[];
  readonly std: readonly number[];

  constructor({ mean, std, name }: StandardizeArgs) {
    super(name === undefined ? {} : { name });
    this.mean = mean;
    this.std = std;
    if (std.length !== mean.length || std.includes(0)) {
      throw new LayerError(this.name, 'needs as many std as mean, none of them 0');
    }
  }

  override build(inputShape: tf.Shape | tf.Shape[]): void {
    this.computeOutputShape(inputShape);
    super.build(inputShape);
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    const shape = oneShape(inputShape, this.name);
    if (shape.at(-1) === this.mean.length) return shape;
    throw new LayerError(
      this.name,
      `has mean and std of ${this.mean.length} channels, the input has ${shape.at(-1)}`,
    );
  }

  protected transform(x: tf.Tensor): tf.Tensor {
    return x
      .cast('float32')
      .sub(tf.tensor1d([...this.mean]))
      .div(tf.tensor1d([...this.std]));
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), mean: [...this.mean], std: [...this.std] };
  }
}

tf.serialization.registerClass(Standardize);

import { tf } from '@bidl/engine';
import { LayerError } from '../errors.js';
import { torchDefault } from '../init/torch-default.js';
import { positive } from './checks.js';
import { oneShape, oneTensor } from './fold.js';
import { revive } from './config.js';

/**
 * Attention over time: a weight from 0 to 1 for every step, or step and channel, from the whole sequence, so a network
 * with one has a sequence form only. `[B, T, H, W, C] -> [B, T, H, W, C]`
 */
abstract class TemporalAttention extends tf.layers.Layer {
  readonly steps: number;

  constructor(steps: number, name: string | undefined) {
    super(name === undefined ? {} : { name });
    this.steps = positive(steps, 'T', this.name);
  }

  /** What the input is multiplied by: `[B, T, 1]` or `[B, T, C]`, from 0 to 1. */
  abstract scores(x: tf.Tensor): tf.Tensor3D;

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    const shape = oneShape(inputShape, this.name);
    this.check(shape);
    return shape;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const x = oneTensor(inputs, this.name);
      const [batch = 1, steps = 1] = x.shape;
      const scores = this.scores(x);
      return x.mul(scores.reshape([batch, steps, 1, 1, scores.shape[2]]));
    });
  }

  static override fromConfig<T extends tf.serialization.Serializable>(
    cls: tf.serialization.SerializableConstructor<T>,
    config: tf.serialization.ConfigDict,
  ): T {
    return new cls(revive(config));
  }

  protected check(shape: tf.Shape): void {
    if (shape.length !== 5) {
      throw new LayerError(this.name, `needs [B, T, H, W, C], got [${shape.join(', ')}]`);
    }
    if (shape[1] !== this.steps) {
      throw new LayerError(this.name, `is made for ${this.steps} steps (T), the input has ${shape[1]}`);
    }
  }

  protected weight(name: string, shape: number[], fanIn: number, seed: number): tf.LayerVariable {
    return this.addWeight(name, shape, 'float32', torchDefault(fanIn, seed, `${this.name}/${name}`).kernel);
  }
}

export interface TemporalWiseAttentionArgs {
  /** Time steps. */
  readonly T: number;
  /** The hidden layer has T / reduction neurons. Default 2. */
  readonly reduction?: number;
  /** The run's seed, for the start of the weights. Default 0. */
  readonly seed?: number;
  readonly name?: string;
}

/**
 * Temporal-wise attention: the mean of every step through a small two-layer network gives each step's weight. Yao et al.
 * 2021, "Temporal-wise attention spiking neural networks for event streams classification"; as upstream, without the
 * paper's maximum branch.
 *
 * Weights: `<layer>/sharedMLP/0/kernel` `[T, T / reduction]`, `<layer>/sharedMLP/2/kernel` `[T / reduction, T]`.
 *
 * @example
 * const out = new TemporalWiseAttention({ T: 10 }).apply(tf.randomNormal([2, 10, 8, 8, 16]));
 */
export class TemporalWiseAttention extends TemporalAttention {
  static readonly className = 'TemporalWiseAttention';
  private readonly reduction: number;
  private readonly seed: number;
  private mlp: readonly [tf.LayerVariable, tf.LayerVariable] | undefined;

  constructor({ T, reduction = 2, seed = 0, name }: TemporalWiseAttentionArgs) {
    super(T, name);
    this.reduction = positive(reduction, 'reduction', this.name);
    this.seed = seed;
    if (reduction > T) {
      throw new LayerError(this.name, `reduction is ${reduction}, more than its ${T} steps`);
    }
  }

  override build(inputShape: tf.Shape | tf.Shape[]): void {
    this.check(oneShape(inputShape, this.name));
    const hidden = Math.floor(this.steps / this.reduction);
    this.mlp = [
      this.weight('sharedMLP/0/kernel', [this.steps, hidden], this.steps, this.seed),
      this.weight('sharedMLP/2/kernel', [hidden, this.steps], hidden, this.seed),
    ];
    super.build(inputShape);
  }

  scores(x: tf.Tensor): tf.Tensor3D {
    if (!this.mlp) throw new LayerError(this.name, 'is used before it is built');
    const [down, up] = this.mlp.map((weight) => weight.read() as tf.Tensor2D);
    return tf.tidy(() => {
      const mean = tf.mean(x, [2, 3, 4]) as tf.Tensor2D;
      const hidden = tf.relu(tf.matMul(mean, down));
      return tf.sigmoid(tf.matMul(hidden, up)).expandDims(2);
    });
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), T: this.steps, reduction: this.reduction, seed: this.seed };
  }
}

export interface TcjaArgs {
  /** Length of the kernel that slides over the channels; odd. Default 3. */
  readonly kernel_size_t?: number;
  /** Length of the kernel that slides over the steps; odd. Default 3. */
  readonly kernel_size_c?: number;
  /** Time steps. */
  readonly T: number;
  readonly channel: number;
  /** The run's seed, for the start of the weights. Default 0. */
  readonly seed?: number;
  readonly name?: string;
}

/**
 * Temporal-channel joint attention: of the spatial means `[B, T, C]`, a convolution over the channels that mixes the
 * steps, times one over the steps that mixes the channels. Zhu et al. 2022, "TCJA-SNN". (Upstream's defaults of the
 * kernel sizes, 2 and 1, do not run.)
 *
 * Weights: `<layer>/conv_t/kernel` `[kernel_size_t, T, T]`, `<layer>/conv_c/kernel` `[kernel_size_c, C, C]`.
 *
 * @example
 * const out = new TCJA({ T: 10, channel: 16 }).apply(tf.randomNormal([2, 10, 8, 8, 16]));
 */
export class TCJA extends TemporalAttention {
  static readonly className = 'TCJA';
  private readonly sizes: readonly [t: number, c: number];
  private readonly channels: number;
  private readonly seed: number;
  private kernels: readonly [t: tf.LayerVariable, c: tf.LayerVariable] | undefined;

  constructor({ kernel_size_t = 3, kernel_size_c = 3, T, channel, seed = 0, name }: TcjaArgs) {
    super(T, name);
    this.channels = positive(channel, 'channel', this.name);
    this.seed = seed;
    this.sizes = [kernel_size_t, kernel_size_c];
    for (const [key, size] of Object.entries({ kernel_size_t, kernel_size_c })) {
      if (positive(size, key, this.name) % 2 === 1) continue;
      throw new LayerError(
        this.name,
        `${key} is ${size}; give an odd number, so that the result has the input's length`,
      );
    }
  }

  override build(inputShape: tf.Shape | tf.Shape[]): void {
    this.check(oneShape(inputShape, this.name));
    const [kt, kc] = this.sizes;
    const [T, C] = [this.steps, this.channels];
    this.kernels = [
      this.weight('conv_t/kernel', [kt, T, T], kt * T, this.seed),
      this.weight('conv_c/kernel', [kc, C, C], kc * C, this.seed),
    ];
    super.build(inputShape);
  }

  scores(x: tf.Tensor): tf.Tensor3D {
    if (!this.kernels) throw new LayerError(this.name, 'is used before it is built');
    const [overChannels, overSteps] = this.kernels.map((weight) => weight.read() as tf.Tensor3D);
    return tf.tidy(() => {
      const mean = tf.mean(x, [2, 3]) as tf.Tensor3D;
      const turned = tf.transpose(mean, [0, 2, 1]);
      const t = tf.transpose(tf.conv1d(turned, overChannels, 1, 'same'), [0, 2, 1]);
      const c = tf.conv1d(mean, overSteps, 1, 'same');
      return tf.sigmoid(c.mul<tf.Tensor3D>(t));
    });
  }

  protected override check(shape: tf.Shape): void {
    super.check(shape);
    if (shape[4] === this.channels) return;
    throw new LayerError(this.name, `is made for ${this.channels} channels, the input has ${shape[4]}`);
  }

  override getConfig(): tf.serialization.ConfigDict {
    const [kernel_size_t, kernel_size_c] = this.sizes;
    const own = { kernel_size_t, kernel_size_c, T: this.steps, channel: this.channels, seed: this.seed };
    return { ...super.getConfig(), ...own };
  }
}

tf.serialization.registerClass(TemporalWiseAttention);
tf.serialization.registerClass(TCJA);

import { tf } from '@bidl/engine';
import { LayerError } from '../errors.js';
import { positive } from './checks.js';
import { oneShape, oneTensor } from './fold.js';

export interface TimePoolingArgs {
  /** How many steps become one; T must be a multiple of it. */
  readonly down: number;
  readonly name?: string;
}

/**
 * Makes one time step of every `down`: `[B, T, ...] -> [B, T / down, ...]`. It mixes time steps, so a network with one
 * has a sequence form only.
 */
abstract class TimePooling extends tf.layers.Layer {
  readonly down: number;
  protected abstract readonly pooling: 'avg' | 'max';

  constructor({ down, name }: TimePoolingArgs) {
    super(name === undefined ? {} : { name });
    this.down = positive(down, 'down', this.name);
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    const [batch = null, steps = null, ...rest] = oneShape(inputShape, this.name);
    return [batch, steps === null ? null : this.stepsAfter(steps), ...rest];
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const x = oneTensor(inputs, this.name);
      const [batch = 1, steps = 1, ...rest] = x.shape;
      const after = this.stepsAfter(steps);
      // Time as the rows of an image, everything else as its channels: of equal steps the first one wins.
      const rows = x.reshape<tf.Tensor4D>([batch, steps, 1, x.size / (batch * steps)]);
      const window: [number, number] = [this.down, 1];
      const pooled =
        this.pooling === 'avg'
          ? tf.avgPool(rows, window, window, 'valid')
          : tf.maxPool(rows, window, window, 'valid');
      return pooled.reshape([batch, after, ...rest]);
    });
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), down: this.down };
  }

  private stepsAfter(steps: number): number {
    if (steps % this.down === 0) return steps / this.down;
    throw new LayerError(
      this.name,
      `makes one of every ${this.down} steps, which ${steps} steps can't be split into`,
    );
  }
}

/** The mean of every `down` time steps. */
export class AvgPoolTimeVideo extends TimePooling {
  static readonly className = 'AvgPoolTimeVideo';
  protected readonly pooling = 'avg';
}

/** The largest of every `down` time steps. */
export class MaxPoolTimeVideo extends TimePooling {
  static readonly className = 'MaxPoolTimeVideo';
  protected readonly pooling = 'max';
}

tf.serialization.registerClass(AvgPoolTimeVideo);
tf.serialization.registerClass(MaxPoolTimeVideo);

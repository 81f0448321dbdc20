import { tf } from '@bidl/engine';
import { LayerError } from '../errors.js';
import { seedFor } from '../init/seed.js';
import { oneShape, oneTensor } from './fold.js';
import type { State, Stateful, Stepped } from './stateful.js';

export interface SeededDropoutArgs {
  /** Share of the values that training sets to 0, from 0 to below 1. */
  readonly rate: number;
  /** The run's seed. Default 0. */
  readonly seed?: number;
  readonly name?: string;
}

/**
 * Dropout whose mask is a function of the run's seed, the layer's name and the training iteration, so that a resumed
 * run goes on as it would have (tfjs's own has one mask for ever, or another every time). The identity in evaluation.
 *
 * @example
 * new SeededDropout({ rate: 0.5 }).apply(x, { training: true, iteration: 7 });
 */
export class SeededDropout extends tf.layers.Layer implements Stateful {
  static readonly className = 'SeededDropout';
  readonly rate: number;
  private readonly seed: number;

  constructor({ rate, seed = 0, name }: SeededDropoutArgs) {
    super(name === undefined ? {} : { name });
    this.rate = rate;
    this.seed = seed;
    if (!(rate >= 0 && rate < 1)) throw new LayerError(this.name, `rate is ${rate}; give 0 to below 1`);
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return oneShape(inputShape, this.name);
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: Parameters<tf.layers.Layer['call']>[1]): tf.Tensor {
    const x = oneTensor(inputs, this.name);
    if (kwargs['training'] !== true || this.rate === 0) return x;
    const iteration = Number(kwargs['iteration'] ?? 0);
    return tf.dropout(x, this.rate, undefined, seedFor(this.seed, `${this.name}/${iteration}`));
  }

  /** No state. */
  initialState(): State {
    return {};
  }

  step(x: tf.Tensor, state: State): Stepped {
    return { out: x, state };
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), rate: this.rate, seed: this.seed };
  }
}

tf.serialization.registerClass(SeededDropout);

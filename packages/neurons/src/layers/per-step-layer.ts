import { tf } from '@bidl/engine';
import { revive } from './config.js';
import { oneTensor } from './fold.js';
import type { State, Stateful, Stepped } from './stateful.js';

export type LayerArgs = NonNullable<ConstructorParameters<typeof tf.layers.Layer>[0]>;
type Kwargs = Parameters<tf.layers.Layer['call']>[1];

/**
 * A layer of ours over sequences `[B, T, ...]` that looks at each time step alone and keeps no state, so it can be
 * stepped.
 */
export abstract class PerStepLayer extends tf.layers.Layer implements Stateful {
  /** `[B, T, ...] -> [B, T, ...]` */
  protected abstract transform(x: tf.Tensor, training: boolean): tf.Tensor;

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: Kwargs): tf.Tensor {
    return tf.tidy(() => this.transform(oneTensor(inputs, this.name), kwargs['training'] === true));
  }

  /** No state. */
  initialState(): State {
    return {};
  }

  step(x: tf.Tensor, state: State): Stepped {
    return { out: tf.tidy(() => this.transform(x.expandDims(1), false).squeeze([1])), state };
  }

  static override fromConfig<T extends tf.serialization.Serializable>(
    cls: tf.serialization.SerializableConstructor<T>,
    config: tf.serialization.ConfigDict,
  ): T {
    return new cls(revive(config));
  }
}

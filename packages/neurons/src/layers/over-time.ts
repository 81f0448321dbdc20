import { tf } from '@bidl/engine';
import { LayerError } from '../errors.js';
import { fold, oneShape, oneTensor, unfold } from './fold.js';
import type { State, Stateful, Stepped } from './stateful.js';

/**
 * Applies a layer to every time step by folding time into the batch: `[B, T, ...] -> [B, T, ...]`, one call of
 * the inner layer (tfjs's own `timeDistributed` loops over the steps).
 *
 * It takes the inner layer's name when it has none of its own; the inner layer's weights become
 * `<name>/kernel` and so on.
 *
 * @example
 * new OverTime(tf.layers.maxPooling2d({ poolSize: 2, strides: 2, name: 'mp1' }))
 */
export class OverTime extends tf.layers.Layer implements Stateful {
  static readonly className = 'OverTime';
  readonly layer: tf.layers.Layer;

  constructor(layer: tf.layers.Layer, args: { readonly name?: string } = {}) {
    super({ name: args.name ?? layer.name });
    if (!(layer instanceof tf.layers.Layer)) {
      throw new LayerError(this.name, 'OverTime needs a layer: new OverTime(tf.layers.flatten())');
    }
    if ('initialState' in layer) {
      throw new LayerError(
        this.name,
        `OverTime would make ${layer.getClassName()} forget its state between steps; apply it to the sequence directly`,
      );
    }
    this.layer = layer;
  }

  override get trainableWeights(): tf.LayerVariable[] {
    return this.trainable ? this.layer.trainableWeights : [];
  }

  override get nonTrainableWeights(): tf.LayerVariable[] {
    return this.trainable ? this.layer.nonTrainableWeights : this.layer.weights;
  }

  override build(inputShape: tf.Shape | tf.Shape[]): void {
    if (!this.layer.built) {
      this.layer.build(this.perStep(inputShape));
      this.layer.built = true;
    }
    super.build(inputShape);
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    const [batch = null, steps = null] = oneShape(inputShape, this.name);
    const [, ...rest] = oneShape(this.layer.computeOutputShape(this.perStep(inputShape)), this.name);
    return [batch, steps, ...rest];
  }

  override call(inputs: tf.Tensor | tf.Tensor[], kwargs: Kwargs): tf.Tensor {
    return tf.tidy(() => {
      const x = oneTensor(inputs, this.name);
      return unfold(this.inner(fold(x, this.name), kwargs), x);
    });
  }

  /** No state. */
  initialState(): State {
    return {};
  }

  step(x: tf.Tensor, state: State): Stepped {
    return { out: this.inner(x, { training: false }), state };
  }

  override getConfig(): tf.serialization.ConfigDict {
    const layer = { className: this.layer.getClassName(), config: this.layer.getConfig() };
    return { ...super.getConfig(), layer };
  }

  static override fromConfig<T extends tf.serialization.Serializable>(
    cls: tf.serialization.SerializableConstructor<T>,
    config: tf.serialization.ConfigDict,
  ): T {
    const { layer, name } = config as { layer: { className: string; config: object }; name?: string };
    const known = tf.serialization.SerializationMap.getMap().classNameMap[layer.className];
    if (!known) throw new LayerError(name ?? 'OverTime', `inner layer class "${layer.className}" is unknown`);
    const [innerClass, build] = known;
    const inner = build(innerClass, layer.config as tf.serialization.ConfigDict);
    const make = cls as unknown as new (layer: tf.layers.Layer, args: { name?: string }) => T;
    return new make(inner as unknown as tf.layers.Layer, { name });
  }

  private inner(x: tf.Tensor, kwargs: Kwargs): tf.Tensor {
    return oneTensor(this.layer.apply(x, kwargs) as tf.Tensor | tf.Tensor[], this.name);
  }

  private perStep(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    const [batch = null, , ...rest] = oneShape(inputShape, this.name);
    if (rest.length === 0) throw new LayerError(this.name, 'OverTime needs an input of [B, T, ...]');
    return [batch, ...rest];
  }
}

type Kwargs = Parameters<tf.layers.Layer['call']>[1];

tf.serialization.registerClass(OverTime);

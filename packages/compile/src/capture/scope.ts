import type { tf } from '@bidl/engine';
import { ndarray } from '@bidl/formats';
import type { GraphBuilder, ValueRef } from '@bidl/graph';

/** What the capture of one layer works with. */
export interface Scope {
  readonly builder: GraphBuilder;
  /** Name of the layer in the network: names of its weights, states and nodes start with it. */
  readonly layer: string;
  /** Steps of a sample. */
  readonly timesteps: number;
  /** The only Aggregation of the network: its state is called `tempAdd`, as upstream's. */
  readonly onlyAggregation: boolean;
  /** A weight by its place in the network; a second use gives the same one. */
  weight(name: string, tensor: tf.Tensor | tf.LayerVariable): ValueRef;
  /** A weight computed from others. */
  numbers(name: string, values: ArrayLike<number>): ValueRef;
}

/** Scopes of one network, weights shared among layers that share them. */
export function scopes(
  builder: GraphBuilder,
  timesteps: number,
  onlyAggregation: boolean,
): (layer: string) => Scope {
  const known = new Map<string, ValueRef>();
  const once = (name: string, make: () => ValueRef): ValueRef => {
    const value = known.get(name) ?? make();
    known.set(name, value);
    return value;
  };
  return (layer) => ({
    builder,
    layer,
    timesteps,
    onlyAggregation,
    weight: (name, tensor) =>
      once(`${layer}/${name}`, () => {
        const values = 'read' in tensor ? tensor.read() : tensor;
        const data = Float32Array.from(values.dataSync());
        return builder.weight(`${layer}/${name}`, ndarray(data, [...values.shape]));
      }),
    numbers: (name, values) =>
      once(`${layer}/${name}`, () => builder.numbers(`${layer}/${name}`, values, [values.length])),
  });
}

/** A layer's own weight by the last part of its name, `kernel` or `norm/gamma`. */
export function weightOf(layer: tf.layers.Layer, name: string): tf.LayerVariable | undefined {
  return layer.weights.find(
    ({ originalName }) => originalName === name || originalName === `${layer.name}/${name}`,
  );
}

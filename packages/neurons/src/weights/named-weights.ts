import { tf } from '@bidl/engine';

/** One weight of a network under the name of its place, `clif1/kernel`. */
export interface NamedVariable {
  readonly name: string;
  readonly trainable: boolean;
  /** The variable itself; running statistics and untrained parameters are variables too. */
  readonly variable: tf.Variable;
}

/**
 * The weights of a model in the order of its layers, named by place. tfjs's own counters (`_1` on a second build
 * of the same network) don't show.
 */
export function namedWeights(model: tf.LayersModel): NamedVariable[] {
  return model.layers.flatMap(layerWeights);
}

/** The weights of one layer, under the same names. */
export function layerWeights(layer: tf.layers.Layer): NamedVariable[] {
  return layer.weights.map((weight) => ({
    name: placeOf(layer.name, weight.originalName),
    trainable: weight.trainable,
    variable: weight.read() as tf.Variable,
  }));
}

const placeOf = (layer: string, name: string): string =>
  name.startsWith(`${layer}/`) ? name : `${layer}/${name}`;

import type { tf } from '@bidl/engine';
import { layerWeights } from '@bidl/neurons';
import { featureOrders } from './feature-order.js';
import { type Layout, layoutOf } from './layout.js';

/** A weight of a network with all that its counterpart in PyTorch depends on. */
export interface PlacedWeight {
  /** `clif1/norm/gamma` */
  readonly name: string;
  readonly shape: readonly number[];
  readonly layout: Layout;
}

/** The weights of a network, in its order. */
export function placedWeights(model: tf.LayersModel): PlacedWeight[] {
  const orders = featureOrders(model);
  return model.layers.flatMap((layer) => {
    const weights = layerWeights(layer);
    const order = orders.get(layer.name);
    const kernel = weights.find(({ name }) => name === `${layer.name}/kernel`);
    return weights.map((weight) => {
      const { shape } = weight.variable;
      // Behind a kernel the features are the layer's own; without one every weight lies over the input's.
      const over = kernel && weight !== kernel ? undefined : order;
      return { name: weight.name, shape, layout: layoutOf(isKernel(layer, weight.name), shape, over) };
    });
  });
}

/** An embedding's rows are looked up, not multiplied: it has the same layout everywhere. */
const isKernel = (layer: tf.layers.Layer, name: string): boolean =>
  name.endsWith('/kernel') && !layer.getClassName().endsWith('Embedding');

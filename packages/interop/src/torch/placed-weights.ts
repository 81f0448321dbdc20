import type { tf } from '@bidl/engine';
import { layerWeights } from '@bidl/neurons';
import { featureOrders } from './feature-order.js';
import { type Layout, layoutOf } from './layout.js';

/** A weight of a network with all that its counterpart in PyTorch depends on. */
export interface PlacedWeight {
  readonly layer: tf.layers.Layer;
  /** Its name inside the layer: `kernel`, `norm/gamma`. */
  readonly weight: string;
  /** `clif1/norm/gamma` */
  readonly name: string;
  readonly shape: readonly number[];
  readonly layout: Layout;
}

/** The weights of a network, in its order. */
export function placedWeights(model: tf.LayersModel): PlacedWeight[] {
  const orders = featureOrders(model);
  return model.layers.flatMap((layer) => {
    const weights = layerWeights(layer).map(({ name, variable }) => {
      return { layer, weight: name.slice(layer.name.length + 1), name, shape: variable.shape };
    });
    const order = orders.get(layer.name);
    const kernel = weights.find(({ weight }) => weight === 'kernel');
    // Behind a kernel the features are the layer's own; without one every weight lies over the input's.
    return weights.map((placed) => ({
      ...placed,
      layout: layoutOf(placed.weight, placed.shape, kernel && placed !== kernel ? undefined : order),
    }));
  });
}

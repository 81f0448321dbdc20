import type { tf } from '@bidl/engine';
import { layerWeights } from '@bidl/neurons';
import { type FeatureOrder, featureOrders } from './feature-order.js';
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
  const orders: ReadonlyMap<string, FeatureOrder> = featureOrders(model);
  return model.layers.flatMap((layer) =>
    layerWeights(layer).map(({ name, variable }) => {
      const weight = name.slice(layer.name.length + 1);
      const shape = variable.shape;
      return { layer, weight, name, shape, layout: layoutOf(weight, shape, orders.get(layer.name)) };
    }),
  );
}

import type { tf } from '@bidl/engine';
import { layerWeights, walk } from '@bidl/neurons';

/** Height, width and channels of the image that a row of features was flattened from. */
export type FeatureOrder = readonly [height: number, width: number, channels: number];

/**
 * The layers whose input features were an image once, by name. PyTorch flattens an image channels first, tfjs channels
 * last; so the weights over such features stand in another order there. Follows the network's own graph: whatever
 * keeps the number of features and has no kernel hands their order on.
 */
export function featureOrders(model: tf.LayersModel): Map<string, FeatureOrder> {
  const layers = new Map<string, FeatureOrder>();
  const symbols = new Map<number, FeatureOrder>();
  for (const { layer, inputs, output, timed } of walk(model).places) {
    const [input] = inputs;
    if (!input) continue;
    const order = symbols.get(input.id);
    if (order) layers.set(layer.name, order);
    const features = output.shape.at(-1);
    const image = input.shape.slice(timed ? 2 : 1);
    if (order && features === size(order) && !hasKernel(layer)) symbols.set(output.id, order);
    else if (isImage(image) && features === size(image) && !hasKernel(layer)) symbols.set(output.id, image);
  }
  return layers;
}

const size = ([height, width, channels]: FeatureOrder): number => height * width * channels;

/** An image of one pixel has its features in one order only. */
function isImage(shape: readonly (number | null)[]): shape is FeatureOrder {
  const [height = null, width = null] = shape;
  return shape.length === 3 && !shape.includes(null) && Number(height) * Number(width) > 1;
}

const hasKernel = (layer: tf.layers.Layer): boolean =>
  layerWeights(layer).some(({ name }) => name === `${layer.name}/kernel`);

import { tf } from '@bidl/engine';
import { LayerError } from '../errors.js';

/**
 * Folds time into the batch, `[B, T, ...] -> [B*T, ...]`: a reshape, nothing is copied.
 *
 * @throws LayerError when there is no time axis to fold.
 */
export function fold(x: tf.Tensor, layer: string): tf.Tensor {
  const [batch, steps, ...rest] = x.shape;
  if (batch === undefined || steps === undefined || rest.length === 0) {
    throw new LayerError(layer, `needs [B, T, ...], got [${x.shape.join(', ')}]`);
  }
  return x.reshape([batch * steps, ...rest]);
}

/** The inverse of {@link fold}: `[B*T, ...] -> [B, T, ...]`, with B and T from `like`. */
export function unfold(y: tf.Tensor, like: tf.Tensor): tf.Tensor {
  const [batch = 1, steps = 1] = like.shape;
  return y.reshape([batch, steps, ...y.shape.slice(1)]);
}

/** A tensor of float32: x itself where it is one. */
export const asFloat = (x: tf.Tensor): tf.Tensor => (x.dtype === 'float32' ? x : x.cast('float32'));

/** A single shape out of what tfjs passes around. */
export function oneShape(shape: tf.Shape | tf.Shape[], layer: string): tf.Shape {
  if (Array.isArray(shape[0])) {
    const shapes = shape as tf.Shape[];
    if (shapes.length === 1 && shapes[0]) return shapes[0];
    throw new LayerError(layer, `takes one input, got ${shapes.length}`);
  }
  return shape as tf.Shape;
}

/** A single tensor out of what tfjs passes around. */
export function oneTensor(inputs: tf.Tensor | tf.Tensor[], layer: string): tf.Tensor {
  if (!Array.isArray(inputs)) return inputs;
  if (inputs.length === 1 && inputs[0]) return inputs[0];
  throw new LayerError(layer, `takes one input, got ${inputs.length}`);
}

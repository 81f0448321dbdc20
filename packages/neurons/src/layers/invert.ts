import { tf } from '@bidl/engine';
import { oneShape } from './fold.js';
import { PerStepLayer } from './per-step-layer.js';

/**
 * 1 − x: where nothing fired. `[B, T, ...] -> [B, T, ...]`
 *
 * @example
 * new Invert().apply(tf.tensor([[[0, 1, 1]]])); // [[[1, 0, 0]]]
 */
export class Invert extends PerStepLayer {
  static readonly className = 'Invert';

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    return oneShape(inputShape, this.name);
  }

  protected transform(x: tf.Tensor): tf.Tensor {
    return tf.sub(1, x);
  }
}

tf.serialization.registerClass(Invert);

import * as tf from '@tensorflow/tfjs';
import { spread } from './spread.js';

/**
 * Gradients of sums and means that spread dy over the input, in the place of TensorFlow.js's, which multiply it by ones: an
 * array as large as the input that JavaScript fills and the backend copies, at every step.
 */
export function spreadGradientsOfSums(): void {
  replace('Sum', () => 1);
  replace('Mean', (summed) => 1 / summed);
}

function replace(kernelName: string, weight: (summed: number) => number): void {
  if (tf.getGradient(kernelName) !== undefined) tf.unregisterGradient(kernelName);
  tf.registerGradient({
    kernelName,
    inputsToSave: ['x'],
    gradFunc: (dy, [{ shape }], attrs) => {
      const axes = tf.util.parseAxisParam(attrs['axis'] as number[], shape);
      const kept = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
      const each = weight(axes.reduce((n, axis) => n * shape[axis], 1));
      return {
        x: () => spread(tf.mul(tf.reshape(dy as tf.Tensor, kept), each), shape),
      };
    },
  });
}

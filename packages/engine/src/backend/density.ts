import type * as tf from '@tensorflow/tfjs';
import type { TensorFlowBackend } from './tensorflow-binding.js';

/** The share of a float32 tensor that is not zero, estimated from some thousand values spread over it. */
export function density(backend: TensorFlowBackend, x: tf.TensorInfo): number {
  const share = backend.executeSingleOutput('BidlDensity', [], [x]);
  const value = share.dataSync()[0];
  share.dispose();
  return value;
}

import type * as tf from '@tensorflow/tfjs';
import type { TensorFlowBackend } from './tensorflow-binding.js';

/** What a tensor holds, as far as some thousand values spread over it tell. */
export interface Density {
  /** Not zero. */
  readonly share: number;
  /** 1 where it holds nothing but 0 and 1, else 0. */
  readonly spikes: number;
}

/** What a float32 tensor holds. */
export function density(backend: TensorFlowBackend, x: tf.TensorInfo): Density {
  const found = backend.executeSingleOutput('BidlDensity', [], [x]);
  const [share, spikes] = found.dataSync();
  found.dispose();
  return { share, spikes };
}

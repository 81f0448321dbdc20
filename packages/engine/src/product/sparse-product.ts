import type { OpsInfo } from '@bidl/kernels';
import * as tf from '@tensorflow/tfjs';
import { density } from '../backend/density.js';
import type { TensorFlowBackend } from '../backend/tensorflow-binding.js';

/** Fewer multiplications than this are not worth a look at the input. */
const SMALL = 1e6;

/**
 * Puts the op library's products before TensorFlow's where the left side is mostly zero, as a dense layer's input is behind
 * spikes: rows of the right side are added up where the left side is not zero, for the layer's output (a·b) and for the
 * gradient of its weights (aᵀ·b). Chosen at every call from the left side's density.
 */
export function preferSparseProducts({ sparseProductPays }: OpsInfo): void {
  const own = tf.getKernel('BatchMatMul', 'tensorflow');
  if (own === undefined) return;
  tf.unregisterKernel('BatchMatMul', 'tensorflow');
  tf.registerKernel({
    ...own,
    kernelFunc: (args) => {
      const { a, b } = args.inputs as Record<string, tf.TensorInfo>;
      const { transposeA = false, transposeB = false } = args.attrs ?? {};
      const matrices =
        a.shape.length === 2 && b.shape.length === 2 && a.dtype === 'float32' && b.dtype === 'float32';
      if (matrices && transposeB !== true && a.shape[0] * a.shape[1] * b.shape[1] >= SMALL) {
        const backend = args.backend as TensorFlowBackend;
        if (sparseProductPays(b.shape[1], density(backend, a))) {
          const op = transposeA === true ? 'BidlSparseMatMulTransposed' : 'BidlSparseMatMul';
          return backend.executeSingleOutput(op, [], [a, b]);
        }
      }
      return own.kernelFunc(args);
    },
  });
}

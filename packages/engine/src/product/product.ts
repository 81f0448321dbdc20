import type { OpsInfo } from '@bidl/kernels';
import * as tf from '@tensorflow/tfjs';
import { density } from '../backend/density.js';
import { replaceKernel } from '../backend/replace-kernel.js';
import type { TensorFlowBackend } from '../backend/tensorflow-binding.js';

/** Fewer multiplications than this are not worth a look at the input. */
const SMALL = 1e6;

/** By way: for a·b, for aᵀ·b and for a·bᵀ. */
const OPS: readonly (readonly string[])[] = [
  [],
  ['BidlSparseMatMul', 'BidlSparseMatMulLeftTransposed', 'BidlSparseMatMulRightTransposed'],
  ['BidlLookupMatMul', 'BidlLookupMatMulLeftTransposed'],
  ['BidlDenseMatMul', 'BidlDenseMatMulLeftTransposed', 'BidlDenseMatMulRightTransposed'],
];

/** Rows and columns of a matrix, or of a batch of one. */
const matrix = ({ shape, dtype }: tf.TensorInfo): readonly number[] | undefined => {
  const [rows, columns, ...more] = shape.length === 3 && shape[0] === 1 ? shape.slice(1) : shape;
  return dtype === 'float32' && columns !== undefined && more.length === 0 ? [rows, columns] : undefined;
};

/**
 * Puts the op library's products before TensorFlow's where the left side is mostly zero, or all 0 and 1, as a dense layer's
 * input is behind spikes, and where TensorFlow is not at its best: large ones, and gradients of inputs (a·bᵀ) of small
 * batches. Chosen at every call from the shape and from what the left side holds.
 */
export function preferProducts({ productWay }: OpsInfo): void {
  replaceKernel('BatchMatMul', 'tensorflow', (own) => (args) => {
    const { a, b } = args.inputs as Record<string, tf.TensorInfo>;
    const { transposeA = false, transposeB = false } = args.attrs ?? {};
    const [left, right] = [matrix(a), matrix(b)];
    const fit = left && right && a.shape.length === b.shape.length && !(transposeA && transposeB);
    const columns = right?.[transposeB ? 0 : 1] ?? 0;
    if (fit && left[0] * left[1] * columns >= SMALL) {
      const backend = args.backend as TensorFlowBackend;
      const { share, spikes } = density(backend, a);
      const transposed = transposeA ? 1 : transposeB ? 2 : 0;
      const [rows, inner] = transposeA ? [left[1], left[0]] : left;
      const op = OPS[productWay(transposed, share, spikes, rows, inner, columns)]?.[transposed];
      if (op !== undefined) return backend.executeSingleOutput(op, [], [a, b]);
    }
    return own(args);
  });
}

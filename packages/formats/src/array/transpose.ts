import type { NdArray } from './ndarray.js';
import { copyStrided, denseStrides } from './strided.js';

/**
 * Permutes axes: axis `i` of the result is axis `perm[i]` of the input. Always a new array.
 *
 * @throws RangeError when `perm` is no permutation of the axes
 *
 * @example transpose(image, [0, 2, 3, 1]) // [N, C, H, W] -> [N, H, W, C]
 */
export function transpose(array: NdArray, perm: readonly number[]): NdArray {
  const { shape, dtype, data } = array;
  const rank = shape.length;
  if (perm.length !== rank || new Set(perm).size !== rank || perm.some((p) => !(p in shape))) {
    throw new RangeError(
      `[${perm.join(', ')}] is no permutation of the ${rank} axes of [${shape.join(', ')}]`,
    );
  }
  const dense = denseStrides(shape);
  const outShape = perm.map((p) => shape[p] ?? 0);
  const strides = perm.map((p) => dense[p] ?? 0);
  return { dtype, shape: outShape, data: copyStrided(data, dtype, { shape: outShape, strides }) };
}

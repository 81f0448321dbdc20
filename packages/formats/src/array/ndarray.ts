import { type DType, dtypeOf, itemSize, type TypedArray } from './dtype.js';

/** A dense array in C order (the last index runs fastest). A scalar has shape `[]` and one element. */
export interface NdArray<D extends TypedArray = TypedArray> {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: D;
}

/**
 * Number of elements of a shape.
 *
 * @throws RangeError when a dimension is no whole number >= 0, or the product is beyond 2^53.
 */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const d of shape) {
    if (!Number.isSafeInteger(d) || d < 0) throw new RangeError(`shape [${shape.join(', ')}] has no size`);
    size *= d;
  }
  // An empty axis makes the whole array empty, whatever overflowed before it.
  if (shape.includes(0)) return 0;
  if (!Number.isSafeInteger(size)) throw new RangeError(`shape [${shape.join(', ')}] is too large`);
  return size;
}

/**
 * Puts a shape on a typed array (no copy).
 *
 * @param data elements in C order
 * @param shape defaults to one axis
 * @param dtype needed for `bool`, `float16` and `bfloat16` only
 * @throws RangeError when the shape does not hold exactly `data.length` elements
 *
 * @example ndarray(new Float32Array(6), [2, 3])
 */
export function ndarray<D extends TypedArray>(
  data: D,
  shape: readonly number[] = [data.length],
  dtype: DType = dtypeOf(data),
): NdArray<D> {
  const size = sizeOf(shape);
  if (size !== data.length) {
    throw new RangeError(`shape [${shape.join(', ')}] holds ${size} elements, but there are ${data.length}`);
  }
  if (itemSize(dtype) !== data.BYTES_PER_ELEMENT) {
    throw new RangeError(
      `${dtype} takes ${itemSize(dtype)} bytes an element, but ${data[Symbol.toStringTag]} has ${data.BYTES_PER_ELEMENT}`,
    );
  }
  return { dtype, shape: [...shape], data };
}

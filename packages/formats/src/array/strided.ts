import { type DType, itemSize, type TypedArray, viewOf } from './dtype.js';
import { sizeOf } from './ndarray.js';

/** Where the elements of an array lie in a row of others: steps of each axis, in elements, from a first one. */
export interface Strides {
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  /** Default 0. */
  readonly offset?: number;
}

/** The strides of a dense array in C order. */
export function denseStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = (strides[i + 1] ?? 1) * (shape[i + 1] ?? 1);
  return strides;
}

/**
 * Copies a strided view into memory of its own, in C order. Elements are moved as unsigned words of their size (8-byte
 * ones as pairs), so that NaN payloads survive. The caller has checked that the view lies inside `from`.
 */
export function copyStrided(from: TypedArray, dtype: DType, view: Strides): TypedArray {
  const count = sizeOf(view.shape);
  const size = itemSize(dtype);
  const out = new Uint8Array(count * size);
  const words = size === 8 ? asPairs(view) : { ...view, offset: view.offset ?? 0 };
  const { buffer, byteOffset, byteLength } = from;
  if (size === 1) copyWords(new Uint8Array(buffer, byteOffset, byteLength), out, words);
  else if (size === 2)
    copyWords(new Uint16Array(buffer, byteOffset, byteLength / 2), new Uint16Array(out.buffer), words);
  else copyWords(new Uint32Array(buffer, byteOffset, byteLength / 4), new Uint32Array(out.buffer), words);
  return viewOf(dtype, out.buffer, 0, count);
}

const asPairs = ({ shape, strides, offset = 0 }: Strides): Required<Strides> => ({
  shape: [...shape, 2],
  strides: [...strides.map((s) => s * 2), 1],
  offset: offset * 2,
});

function copyWords<W extends Uint8Array | Uint16Array | Uint32Array>(
  from: W,
  to: W,
  { shape, strides, offset }: Required<Strides>,
): void {
  if (to.length === 0) return;
  const rank = shape.length;
  const inner = shape.at(-1) ?? 1;
  const innerStride = strides.at(-1) ?? 1;
  const index = new Array<number>(rank).fill(0);
  let source = offset;
  for (let target = 0; target < to.length; target += inner) {
    for (let i = 0, s = source; i < inner; i++, s += innerStride) to[target + i] = from[s] ?? 0;
    // Count up the outer axes, last first.
    for (let axis = rank - 2; axis >= 0; axis--) {
      const next = (index[axis] ?? 0) + 1;
      source += strides[axis] ?? 0;
      if (next < (shape[axis] ?? 0)) {
        index[axis] = next;
        break;
      }
      source -= next * (strides[axis] ?? 0);
      index[axis] = 0;
    }
  }
}

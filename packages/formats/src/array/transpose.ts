import { viewOf } from './dtype.js';
import { type NdArray, sizeOf } from './ndarray.js';

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
  const outShape = perm.map((p) => shape[p] ?? 0);
  const out = new Uint8Array(data.byteLength);
  permute(data, out, shape, perm);
  return { dtype, shape: outShape, data: viewOf(dtype, out.buffer, 0, data.length) };
}

/** Moves elements as unsigned words of their size (8-byte ones as pairs), so that NaN payloads survive. */
function permute(
  from: { buffer: ArrayBufferLike; byteOffset: number; length: number; BYTES_PER_ELEMENT: number },
  to: Uint8Array,
  shape: readonly number[],
  perm: readonly number[],
): void {
  const size = from.BYTES_PER_ELEMENT;
  if (size === 1) {
    permuteWords(new Uint8Array(from.buffer, from.byteOffset, from.length), to, shape, perm);
  } else if (size === 2) {
    permuteWords(
      new Uint16Array(from.buffer, from.byteOffset, from.length),
      new Uint16Array(to.buffer),
      shape,
      perm,
    );
  } else if (size === 4) {
    permuteWords(
      new Uint32Array(from.buffer, from.byteOffset, from.length),
      new Uint32Array(to.buffer),
      shape,
      perm,
    );
  } else {
    const words = new Uint32Array(from.buffer, from.byteOffset, from.length * 2);
    permuteWords(words, new Uint32Array(to.buffer), [...shape, 2], [...perm, shape.length]);
  }
}

function permuteWords<W extends Uint8Array | Uint16Array | Uint32Array>(
  from: W,
  to: W,
  shape: readonly number[],
  perm: readonly number[],
): void {
  const rank = shape.length;
  const sourceStrides = new Array<number>(rank).fill(1);
  for (let i = rank - 2; i >= 0; i--) sourceStrides[i] = (sourceStrides[i + 1] ?? 1) * (shape[i + 1] ?? 1);
  const dims = perm.map((p) => shape[p] ?? 0);
  const strides = perm.map((p) => sourceStrides[p] ?? 0);

  const total = sizeOf(shape);
  if (total === 0) return;
  const inner = dims.at(-1) ?? 1;
  const innerStride = strides.at(-1) ?? 1;
  const index = new Array<number>(rank).fill(0);
  let source = 0;
  for (let target = 0; target < total; target += inner) {
    for (let i = 0, s = source; i < inner; i++, s += innerStride) to[target + i] = from[s] ?? 0;
    // Count up the outer axes, last first.
    for (let axis = rank - 2; axis >= 0; axis--) {
      const next = (index[axis] ?? 0) + 1;
      source += strides[axis] ?? 0;
      if (next < (dims[axis] ?? 0)) {
        index[axis] = next;
        break;
      }
      source -= next * (strides[axis] ?? 0);
      index[axis] = 0;
    }
  }
}

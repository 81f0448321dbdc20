import { dtypeOf, type TypedArray } from './dtype.js';
import type { NdArray } from './ndarray.js';

let halves: Float32Array | undefined;

/** All 65,536 half-precision values; looking up beats computing, and 256 KiB are made only when needed. */
function halfTable(): Float32Array {
  if (halves) return halves;
  const table = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    if (exponent === 31) table[bits] = fraction ? NaN : sign * Infinity;
    else if (exponent === 0) table[bits] = sign * fraction * 2 ** -24;
    else table[bits] = sign * (1024 + fraction) * 2 ** (exponent - 25);
  }
  return (halves = table);
}

/** Half-precision bits to float32, exactly. */
export function float16ToFloat32(bits: Uint16Array): Float32Array {
  const table = halfTable();
  const out = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) out[i] = table[bits[i] ?? 0] ?? 0;
  return out;
}

/** bfloat16 bits to float32, exactly: they are its upper half. */
export function bfloat16ToFloat32(bits: Uint16Array): Float32Array {
  const out = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) out[i] = (bits[i] ?? 0) << 16;
  return new Float32Array(out.buffer);
}

/**
 * The elements as float32, in the same order. A `float32` array gives its own data, everything else a new array;
 * `float64` and 64-bit integers are rounded to the nearest float32.
 */
export function toFloat32(array: NdArray): Float32Array {
  const { data, dtype } = array;
  if (isTagged(data, 'Float32Array')) return data;
  if (isTagged(data, 'Uint16Array')) {
    if (dtype === 'float16') return float16ToFloat32(data);
    if (dtype === 'bfloat16') return bfloat16ToFloat32(data);
  }
  if (isTagged(data, 'BigInt64Array') || isTagged(data, 'BigUint64Array')) {
    const out = new Float32Array(data.length);
    for (let i = 0; i < data.length; i++) out[i] = Number(data[i]);
    return out;
  }
  return Float32Array.from(data as Exclude<TypedArray, BigInt64Array | BigUint64Array>);
}

type Tagged<Tag extends string> = Extract<TypedArray, { readonly [Symbol.toStringTag]: Tag }>;

function isTagged<Tag extends TypedArray[typeof Symbol.toStringTag]>(
  data: TypedArray,
  tag: Tag,
): data is Tagged<Tag> {
  dtypeOf(data);
  return data[Symbol.toStringTag] === tag;
}

import { float16ToFloat32 } from '@bidl/formats';

const single = new Float32Array(1);
const bits = new Uint32Array(single.buffer);

/** The half-precision number nearest to `value` (ties to even, beyond 65,519 infinite), as its 16 bits. */
export function halfBits(value: number): number {
  single[0] = value;
  const u = bits[0];
  const sign = (u >>> 16) & 0x8000;
  const rest = u & 0x7fffffff;
  if (rest > 0x7f800000) return sign | 0x7e00;
  // 65,520 lies halfway between the largest half and the next, so it rounds to infinity.
  if (rest >= 0x477ff000) return sign | 0x7c00;
  if (rest >= 0x38800000) return sign | (((rest + 0xfff + ((rest >>> 13) & 1)) >>> 13) - (112 << 10));
  // Below 2^-14 halves are whole multiples of 2^-24.
  const steps = Math.abs(single[0]) * 2 ** 24;
  const low = Math.floor(steps);
  const part = steps - low;
  return sign | (low + (part > 0.5 || (part === 0.5 && low % 2 === 1) ? 1 : 0));
}

/** All elements as half-precision bits. */
export function toHalfBits(values: ArrayLike<number>): Uint16Array {
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) out[i] = halfBits(values[i]);
  return out;
}

/** All elements rounded to half precision, as float32. */
export const roundToHalf = (values: ArrayLike<number>): Float32Array => float16ToFloat32(toHalfBits(values));

/** Whether half precision holds every element exactly. */
export function isExactHalf(values: Float32Array): boolean {
  const rounded = roundToHalf(values);
  return values.every((value, i) => Object.is(value, rounded[i]));
}

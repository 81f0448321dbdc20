import { float16ToFloat32, sizeOf } from '@bidl/formats';
import type { InputNumbers } from '../executor/executor.js';
import type { GraphInput, ValueType } from '../graph.js';
import { GraphError } from '../graph.js';
import { toHalfBits } from '../ops/half.js';

const ITEM_BYTES = { uint8: 1, float16: 2, float32: 4 } as const;

/** Bytes of one sample of a value. */
export const byteLength = ({ shape, dtype }: ValueType): number => sizeOf(shape) * ITEM_BYTES[dtype];

/** A copy of the memory under a typed array. */
export const bytesOf = (data: InputNumbers): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();

/** An input in the memory form of its declared type (little-endian). Throws GraphError where that cannot hold it. */
export function toMemory({ name, type }: GraphInput, data: InputNumbers): Uint8Array {
  const tag = Object.prototype.toString.call(data).slice(8, -1);
  if (tag === 'Uint8Array') {
    if (type.dtype === 'uint8') return bytesOf(data);
    return bytesOf(type.dtype === 'float32' ? Float32Array.from(data) : toHalfBits(data));
  }
  if (tag === 'Float32Array' && type.dtype === 'float32') return bytesOf(data);
  if (tag === 'Float32Array' && type.dtype === 'float16') return bytesOf(toHalfBits(data));
  if (tag === 'Uint16Array' && type.dtype === 'float16') return bytesOf(data);
  throw new GraphError(`input "${name}" takes ${type.dtype}, got a ${tag}`);
}

/** The reverse of {@link toMemory}, as an executor takes it. */
export function fromMemory(type: ValueType, bytes: Uint8Array): InputNumbers {
  const { buffer } = bytes.slice();
  if (type.dtype === 'uint8') return new Uint8Array(buffer);
  return type.dtype === 'float16' ? float16ToFloat32(new Uint16Array(buffer)) : new Float32Array(buffer);
}

/** Everything in one piece. */
export function join(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

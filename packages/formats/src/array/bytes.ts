import { type DType, itemSize, type TypedArray, viewOf } from './dtype.js';

const HOST_IS_LITTLE = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Turns the byte order of every element, in place. */
export function swapBytes(bytes: Uint8Array, size: number): void {
  if (size === 1) return;
  for (let start = 0; start + size <= bytes.length; start += size) {
    for (let i = start, j = start + size - 1; i < j; i++, j--) {
      const kept = bytes[i] ?? 0;
      bytes[i] = bytes[j] ?? 0;
      bytes[j] = kept;
    }
  }
}

/**
 * Elements out of a file: memory of their own (so they can be transferred to a worker), whatever the alignment
 * of the source. One copy; bytes are turned only when the file's order is not the machine's.
 *
 * @param bytes exactly `count * itemSize(dtype)` bytes are read from `offset`; the caller has checked that they are there
 */
export function elementsFrom(
  bytes: Uint8Array,
  offset: number,
  count: number,
  dtype: DType,
  littleEndian = true,
): TypedArray {
  const size = itemSize(dtype);
  const own = new Uint8Array(count * size);
  own.set(bytes.subarray(offset, offset + count * size));
  if (littleEndian !== HOST_IS_LITTLE) swapBytes(own, size);
  // numpy guarantees 0 and 1, a foreign file does not.
  if (dtype === 'bool') for (let i = 0; i < own.length; i++) if (own[i]) own[i] = 1;
  return viewOf(dtype, own.buffer, 0, count);
}

/** The little-endian bytes of a typed array: its own memory where the machine is little-endian. */
export function bytesOf(data: TypedArray): Uint8Array {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (HOST_IS_LITTLE) return bytes;
  const turned = bytes.slice();
  swapBytes(turned, data.BYTES_PER_ELEMENT);
  return turned;
}

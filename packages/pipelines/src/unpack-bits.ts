import { PipelineError } from './errors.js';

/**
 * Bits to bytes of 0 and 1, the highest bit of each byte first (numpy's `unpackbits`).
 *
 * @param packed one byte per eight values
 * @param shape shape of the values; their number must be a multiple of eight, and eight times the bytes
 * @throws PipelineError when the shape doesn't fit
 */
export function unpackBits(packed: ArrayLike<number>, shape: readonly number[]): Uint8Array {
  const size = shape.reduce((product, n) => product * n, 1);
  const text = `pack [${shape.join(', ')}]`;
  if (!shape.every((n) => Number.isInteger(n) && n > 0)) {
    throw new PipelineError(`${text} must be a shape of positive integers`);
  }
  if (size % 8 !== 0) {
    throw new PipelineError(
      `${text} holds ${size} values, which is no multiple of 8: packed samples must fill whole bytes` +
        ' (store this one as plain uint8, without "pack")',
    );
  }
  if (packed.length * 8 !== size) {
    throw new PipelineError(`${text} needs ${size / 8} bytes of packed bits, but img has ${packed.length}`);
  }
  const values = new Uint8Array(size);
  for (let i = 0, to = 0; i < packed.length; i++) {
    const byte = packed[i] ?? 0;
    for (let bit = 7; bit >= 0; bit--) values[to++] = (byte >> bit) & 1;
  }
  return values;
}

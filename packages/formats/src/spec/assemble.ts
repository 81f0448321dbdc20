/**
 * Puts raw pickle bytes together: strings as one byte a character, numbers as bytes. For specs only.
 *
 * @example assemble('c', 'posix\nsystem\n', '(', 'S', "'ls'\n", 'tR.')
 */
export const assemble = (...parts: (string | number | Uint8Array)[]): Uint8Array =>
  new Uint8Array(
    Buffer.concat(
      parts.map((part) => {
        if (typeof part === 'number') return Uint8Array.of(part);
        return typeof part === 'string' ? Buffer.from(part, 'latin1') : part;
      }),
    ),
  );

/** A 32-bit little-endian number. */
export const u32 = (value: number): Uint8Array => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
};

/** A 64-bit little-endian number. */
export const u64 = (value: bigint): Uint8Array => {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
};

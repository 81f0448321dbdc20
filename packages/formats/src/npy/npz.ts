import type { NdArray } from '../array/ndarray.js';
import { FormatError } from '../errors.js';
import { readZip, writeZip, type ZipLimits } from '../zip/zip.js';
import { readNpy, writeNpy } from './npy.js';

/**
 * Reads all arrays of an npz file, by name (without `.npy`), in the file's order.
 *
 * @throws FormatError that names the entry; also for zip bombs, damaged entries and entries that are no npy
 */
export function readNpz(bytes: Uint8Array, limits: ZipLimits = {}): Map<string, NdArray> {
  const arrays = new Map<string, NdArray>();
  for (const [file, content] of readZip(bytes, limits)) {
    try {
      arrays.set(file.replace(/\.npy$/, ''), readNpy(content));
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      throw new FormatError(`entry ${JSON.stringify(file)}: ${error.message}`, {}, { cause: error });
    }
  }
  return arrays;
}

/** Writes an npz file that numpy reads; the same arrays give the same bytes. */
export function writeNpz(
  arrays: ReadonlyMap<string, NdArray> | Readonly<Record<string, NdArray>>,
  options: { readonly compress?: boolean } = {},
): Uint8Array {
  const entries: Iterable<[string, NdArray]> = arrays instanceof Map ? arrays : Object.entries(arrays);
  return writeZip(new Map(Array.from(entries, ([name, array]) => [`${name}.npy`, writeNpy(array)])), options);
}

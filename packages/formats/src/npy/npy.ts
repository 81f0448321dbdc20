import { bytesOf, elementsFrom } from '../array/bytes.js';
import { itemSize } from '../array/dtype.js';
import { type NdArray, sizeOf } from '../array/ndarray.js';
import { transpose } from '../array/transpose.js';
import { FormatError, messageOf } from '../errors.js';
import { descrOf, parseDescr, parseHeader } from './header.js';

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59] as const; // \x93NUMPY

/**
 * Reads one npy file: versions 1-3, all numeric dtypes and bool in either byte order, float16 as its bits, Fortran
 * order turned into C order. The array has memory of its own.
 *
 * @throws FormatError when truncated, too long, or of an object, structured, string, date or complex dtype
 * @see https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
export function readNpy(bytes: Uint8Array): NdArray {
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw new FormatError('no npy file: it does not start with \\x93NUMPY', { byte: 0 });
  }
  if (bytes.length < 10)
    throw new FormatError('npy file truncated inside its header', { byte: bytes.length });
  const major = bytes[6] ?? 0;
  if (major < 1 || major > 3)
    throw new FormatError(`npy version ${major} is unknown; 1, 2 and 3 are read`, { byte: 6 });

  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerStart = major === 1 ? 10 : 12;
  if (bytes.length < headerStart)
    throw new FormatError('npy file truncated inside its header', { byte: bytes.length });
  const dataStart = headerStart + (major === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (dataStart > bytes.length) {
    throw new FormatError(
      `npy file truncated: the header ends at ${dataStart}, the file at ${bytes.length}`,
      { byte: 8 },
    );
  }
  const header = parseHeader(
    new TextDecoder('latin1').decode(bytes.subarray(headerStart, dataStart)),
    headerStart,
  );
  const { dtype, littleEndian } = parseDescr(header.descr, headerStart);

  const count = sizeWithin(header.shape, headerStart);
  const needed = count * itemSize(dtype);
  const there = bytes.length - dataStart;
  if (needed !== there) {
    const kind = there < needed ? 'truncated' : 'too long';
    throw new FormatError(
      `npy file ${kind}: shape (${header.shape.join(', ')}) of ${dtype} needs ${needed} bytes, there are ${there}`,
      {
        byte: dataStart,
      },
    );
  }
  const data = elementsFrom(bytes, dataStart, count, dtype, littleEndian);
  if (!header.fortranOrder || header.shape.length < 2) return { dtype, shape: header.shape, data };
  // Fortran order is C order of the reversed shape.
  const axes = header.shape.map((_, i) => header.shape.length - 1 - i);
  return transpose({ dtype, shape: [...header.shape].reverse(), data }, axes);
}

function sizeWithin(shape: readonly number[], byte: number): number {
  try {
    return sizeOf(shape);
  } catch (error) {
    throw new FormatError(`npy header: ${messageOf(error)}`, { byte });
  }
}

/**
 * Writes an npy file, version 1.0, little-endian, C order; the data starts at a multiple of 64 bytes.
 *
 * @throws TypeError for `bfloat16`, which numpy does not know
 */
export function writeNpy(array: NdArray): Uint8Array {
  const dims = array.shape.length === 1 ? `${array.shape[0]},` : array.shape.join(', ');
  const dictionary = `{'descr': '${descrOf(array.dtype)}', 'fortran_order': False, 'shape': (${dims}), }`;
  const start = Math.ceil((10 + dictionary.length + 1) / 64) * 64;
  const body = bytesOf(array.data);
  const out = new Uint8Array(start + body.length);
  out.set(MAGIC);
  out[6] = 1;
  new DataView(out.buffer).setUint16(8, start - 10, true);
  out.fill(0x20, 10, start - 1);
  out.set(new TextEncoder().encode(dictionary), 10);
  out[start - 1] = 0x0a;
  out.set(body, start);
  return out;
}

import { elementsFrom } from '../array/bytes.js';
import { type DType, itemSize } from '../array/dtype.js';
import { toFloat32 } from '../array/float.js';
import { type NdArray, sizeOf } from '../array/ndarray.js';
import { transpose } from '../array/transpose.js';
import { FormatError } from '../errors.js';
import { parseDescr } from '../npy/header.js';
import { exact } from './literals.js';
import { Part } from './part.js';

/** numpy.dtype while it is being read: its byte order comes in a second step. */
export class DTypeToken extends Part {
  readonly described = 'a numpy dtype itself';
  readonly dtype: DType;
  littleEndian: boolean;

  /** @throws FormatError that names the dtype when it is no plain number */
  constructor(descr: string) {
    super();
    ({ dtype: this.dtype, littleEndian: this.littleEndian } = parseDescr(descr));
  }

  /** `(version, byte order, subarray, field names, fields, ...)` */
  build(state: readonly unknown[]): void {
    const [version, order, subarray, names, fields] = state;
    if (typeof version !== 'number' || state.length < 5)
      throw new FormatError('pickle: the state of a numpy dtype is odd');
    if ((subarray ?? names ?? fields ?? null) !== null) {
      throw new FormatError('pickle: a structured numpy dtype is not read; save each field as its own array');
    }
    if (order !== '<' && order !== '>' && order !== '|' && order !== '=') {
      throw new FormatError('pickle: a numpy dtype has no known byte order');
    }
    this.littleEndian = order !== '>';
  }
}

/** An array whose fields are put in after it was made, as pickles do it. */
export type Blank = { -readonly [K in keyof NdArray]: NdArray[K] };

export const blank = (): Blank => ({ dtype: 'float32', shape: [0], data: new Float32Array(0) });

/** The raw bytes of an array, as the different protocols give them. */
export function rawBytes(value: unknown): Uint8Array | undefined {
  if (typeof value === 'string') return latin1Bytes(value);
  return ArrayBuffer.isView(value) ? (value as Uint8Array) : undefined;
}

/** Bytes from a string of characters below 256; undefined when there are others. */
export function latin1Bytes(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 255) return undefined;
    bytes[i] = code;
  }
  return bytes;
}

/** Checks size against shape before anything is made. */
export function makeArray(shape: unknown, dtype: unknown, fortran: boolean, raw: unknown): NdArray {
  if (!(dtype instanceof DTypeToken)) throw new FormatError('pickle: a numpy array has no dtype');
  if (!isShape(shape)) throw new FormatError('pickle: a numpy array has no valid shape');
  const bytes = rawBytes(raw);
  if (!bytes)
    throw new FormatError('pickle: a numpy array holds objects instead of bytes; save plain numbers');
  let count: number;
  try {
    count = sizeOf(shape);
  } catch (error) {
    throw new FormatError('pickle: a numpy array is too large', {}, { cause: error });
  }
  const needed = count * itemSize(dtype.dtype);
  if (needed !== bytes.length) {
    throw new FormatError(
      `pickle: a numpy array of shape (${shape.join(', ')}) of ${dtype.dtype} needs ${needed} bytes, there are ${bytes.length}`,
    );
  }
  const data = elementsFrom(bytes, 0, count, dtype.dtype, dtype.littleEndian);
  if (!fortran || shape.length < 2) return { dtype: dtype.dtype, shape: [...shape], data };
  const axes = shape.map((_, i) => shape.length - 1 - i);
  return transpose({ dtype: dtype.dtype, shape: [...shape].reverse(), data }, axes);
}

function isShape(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= 64 && value.every((d) => Number.isSafeInteger(d) && d >= 0);
}

/** A numpy scalar as a plain number; 64-bit ones beyond 2^53 as bigint. */
export function makeScalar(dtype: unknown, raw: unknown): number | bigint | boolean {
  const array = makeArray([], dtype, false, raw);
  const value = array.data[0] ?? 0;
  if (array.dtype === 'bool') return value !== 0;
  if (array.dtype === 'float16') return toFloat32(array)[0] ?? 0;
  return typeof value === 'bigint' ? exact(value) : value;
}

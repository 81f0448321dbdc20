/** The typed arrays that an {@link NdArray} may hold. */
export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/**
 * Element types, by numpy's names. `float16` and `bfloat16` are held as their bits in a Uint16Array
 * (see `toFloat32`), `bool` as bytes 0 and 1 in a Uint8Array.
 */
export type DType =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'bfloat16'
  | 'int8'
  | 'uint8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'uint64'
  | 'bool';

interface DTypeFacts {
  readonly size: 1 | 2 | 4 | 8;
  readonly over: (buffer: ArrayBufferLike, byteOffset: number, length: number) => TypedArray;
}

const FACTS: Readonly<Record<DType, DTypeFacts>> = {
  float32: { size: 4, over: (b, o, n) => new Float32Array(b, o, n) },
  float64: { size: 8, over: (b, o, n) => new Float64Array(b, o, n) },
  float16: { size: 2, over: (b, o, n) => new Uint16Array(b, o, n) },
  bfloat16: { size: 2, over: (b, o, n) => new Uint16Array(b, o, n) },
  int8: { size: 1, over: (b, o, n) => new Int8Array(b, o, n) },
  uint8: { size: 1, over: (b, o, n) => new Uint8Array(b, o, n) },
  int16: { size: 2, over: (b, o, n) => new Int16Array(b, o, n) },
  uint16: { size: 2, over: (b, o, n) => new Uint16Array(b, o, n) },
  int32: { size: 4, over: (b, o, n) => new Int32Array(b, o, n) },
  uint32: { size: 4, over: (b, o, n) => new Uint32Array(b, o, n) },
  int64: { size: 8, over: (b, o, n) => new BigInt64Array(b, o, n) },
  uint64: { size: 8, over: (b, o, n) => new BigUint64Array(b, o, n) },
  bool: { size: 1, over: (b, o, n) => new Uint8Array(b, o, n) },
};

const BY_TAG: Readonly<Record<string, DType>> = {
  Float32Array: 'float32',
  Float64Array: 'float64',
  Int8Array: 'int8',
  Uint8Array: 'uint8',
  Uint8ClampedArray: 'uint8',
  Int16Array: 'int16',
  Uint16Array: 'uint16',
  Int32Array: 'int32',
  Uint32Array: 'uint32',
  BigInt64Array: 'int64',
  BigUint64Array: 'uint64',
};

/** Bytes of one element. */
export const itemSize = (dtype: DType): 1 | 2 | 4 | 8 => FACTS[dtype].size;

/** A typed array of `length` elements of `dtype` over memory that is already there. */
export const viewOf = (
  dtype: DType,
  buffer: ArrayBufferLike,
  byteOffset: number,
  length: number,
): TypedArray => FACTS[dtype].over(buffer, byteOffset, length);

/**
 * The element type that a typed array holds when nobody says more (a Uint16Array is `uint16`, not `float16`).
 * Goes by the array's tag, not its class, so arrays from another realm (a worker's, a test's) are known too.
 */
export function dtypeOf(data: TypedArray): DType {
  const dtype = BY_TAG[data[Symbol.toStringTag]];
  if (dtype === undefined) throw new TypeError(`${data[Symbol.toStringTag]} is no array type for an NdArray`);
  return dtype;
}

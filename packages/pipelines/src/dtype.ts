import { type DType, type NdArray, ndarray, toFloat32, type TypedArray } from '@bidl/formats';

import { PipelineError } from './errors.js';

/** The cells of a typed array, for code that only moves them about (numbers and bigints alike). */
export interface Cells {
  readonly length: number;
  [index: number]: number;
}

/** The same memory, seen as cells to move. */
export function cells(data: TypedArray): Cells {
  return data as unknown as Cells;
}

/** Zeros of the same kind of typed array. */
export function emptyLike<D extends TypedArray>(data: D, length: number): D {
  const kind = data.constructor as new (length: number) => D;
  return new kind(length);
}

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
} as const;

/** Types that values can be converted to. */
export type CastDType = keyof typeof ARRAYS;

/** Their names, for schemas. */
export const CAST_DTYPES = Object.keys(ARRAYS) as [CastDType, ...CastDType[]];

/** The array with its values converted as numpy's `astype` does (floats are cut off towards zero). */
export function castArray(array: NdArray, dtype: CastDType): NdArray {
  if (array.dtype === dtype) return array;
  const values = numeric(array);
  if (dtype === 'int64' || dtype === 'uint64') {
    const big = Array.from(values, (value) => BigInt(Math.trunc(value)));
    return ndarray(
      dtype === 'int64' ? BigInt64Array.from(big) : BigUint64Array.from(big),
      array.shape,
      dtype,
    );
  }
  return ndarray(ARRAYS[dtype].from(values), array.shape, dtype);
}

/** Whether a value can be held by a type without loss. */
export function fits(value: number, dtype: DType): boolean {
  switch (dtype) {
    case 'float16':
    case 'bfloat16':
      return value === 0;
    case 'float32':
    case 'float64':
      return true;
    case 'bool':
      return value === 0 || value === 1;
    default: {
      if (!Number.isInteger(value)) return false;
      const bits = Number(/\d+$/.exec(dtype)?.[0]);
      return dtype.startsWith('u')
        ? value >= 0 && value < 2 ** bits
        : value >= -(2 ** (bits - 1)) && value < 2 ** (bits - 1);
    }
  }
}

/** One value of a type as its array holds it. @throws PipelineError when the type can't hold it. */
export function cellOf(value: number, array: NdArray, what: string): number {
  if (!fits(value, array.dtype)) {
    throw new PipelineError(`${what} ${value} doesn't fit the clip's type ${array.dtype}`);
  }
  const big = array.dtype === 'int64' || array.dtype === 'uint64';
  return (big ? BigInt(value) : value) as unknown as number;
}

function numeric(array: NdArray): Cells {
  if (array.dtype === 'float16' || array.dtype === 'bfloat16') return cells(toFloat32(array));
  if (array.dtype === 'int64' || array.dtype === 'uint64') {
    return cells(Float64Array.from(array.data as BigInt64Array, Number));
  }
  return cells(array.data);
}

import { type NdArray, ndarray, type TypedArray } from '@bidl/formats';

import { PipelineError } from '../errors.js';
import { isNdArray, type Sample } from '../sample.js';

/** A number, a list of numbers or typed data as an array: integers int64, others float32 (as torch does). */
export function arrayOf(value: unknown, key: string, op: string, sample: Sample): NdArray {
  if (isNdArray(value)) return value;
  if (typeof value === 'bigint') return ndarray(BigInt64Array.of(value), []);
  if (typeof value === 'number') return ofNumbers([value], []);
  if (Array.isArray(value) && value.every((item) => typeof item === 'number')) {
    return ofNumbers(value, [value.length]);
  }
  if (ArrayBuffer.isView(value) && 'length' in value) {
    const data = value as unknown as TypedArray;
    return ndarray(data, [data.length]);
  }
  if (value === undefined) {
    throw new PipelineError(`${op}: the sample has no "${key}" (it has ${Object.keys(sample).join(', ')})`);
  }
  throw new PipelineError(`${op}: "${key}" is neither a number, a list of numbers nor an array`);
}

function ofNumbers(values: readonly number[], shape: readonly number[]): NdArray {
  return values.every(Number.isSafeInteger)
    ? ndarray(BigInt64Array.from(values, BigInt), shape)
    : ndarray(Float32Array.from(values), shape);
}

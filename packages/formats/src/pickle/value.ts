import type { NdArray } from '../array/ndarray.js';

/**
 * What a pickle may hold. Python's lists and tuples are arrays here, dicts (and OrderedDict) are Maps in their order,
 * sets are Sets, bytes and bytearray are Uint8Array, None is null, whole numbers beyond 2^53 are bigint, numpy arrays
 * are {@link NdArray}, numpy scalars are plain numbers.
 */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | NdArray
  | PickleValue[]
  | Set<PickleValue>
  | Map<PickleValue, PickleValue>;

import type { DType } from '../array/dtype.js';
import { sizeOf } from '../array/ndarray.js';
import { denseStrides, type Strides } from '../array/strided.js';
import { FormatError } from '../errors.js';
import { type Blank, blank } from '../pickle/numpy.js';
import { elementSize, type ElementType } from './element-types.js';
import { isCount, type Storage, type StorageView } from './storage.js';

const MAX_AXES = 64;

/** A tensor whose elements have yet to be read: which ones of a storage they are. */
export interface PlannedTensor {
  /** Where it will be; already part of the value. */
  readonly array: Blank;
  readonly storage: Storage;
  readonly dtype: DType;
  /** Counted in elements of `dtype`. */
  readonly view: Required<Strides>;
  /** It is the whole storage, in order: no copy needed. */
  readonly whole: boolean;
}

/**
 * Plans a tensor over a storage. Nothing is allocated; that the view lies inside the storage is checked here.
 *
 * @param element overrides the storage's own
 * @throws FormatError for shapes, strides and offsets that make no sense
 */
export function planTensor(
  source: StorageView,
  offset: unknown,
  shape: unknown,
  strides: unknown,
  element: ElementType | undefined = source.element,
): PlannedTensor {
  if (!element) throw new FormatError('pickle: a tensor has no dtype');
  if (!isCount(offset) || !isCounts(shape) || !isCounts(strides) || shape.length !== strides.length) {
    throw new FormatError('pickle: a tensor has no valid shape, strides or offset');
  }
  const size = elementSize(element);
  const count = countOf(shape);
  const available = Math.floor(source.byteLength / size);
  const last = shape.reduce((at, n, i) => at + (n - 1) * (strides[i] ?? 0), offset);
  if (count > 0 && !(last < available)) {
    throw new FormatError(
      `pickle: a tensor of shape [${shape.join(', ')}], strides [${strides.join(', ')}], offset ${offset} ` +
        `reaches beyond its storage of ${available} elements`,
    );
  }
  if (source.byteOffset % size !== 0)
    throw new FormatError('pickle: a tensor is not aligned to its elements');
  const parts = element.complex ? 2 : 1;
  const view = {
    shape: element.complex ? [...shape, 2] : [...shape],
    strides: element.complex ? [...strides.map((s) => s * 2), 1] : [...strides],
    offset: (source.byteOffset / size + offset) * parts,
  };
  return {
    array: blank(),
    storage: source.storage,
    dtype: element.dtype,
    view,
    whole: isDense(view) && count * size === source.storage.byteLength,
  };
}

const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length <= MAX_AXES && value.every(isCount);

function countOf(shape: readonly number[]): number {
  try {
    return sizeOf(shape);
  } catch (error) {
    throw new FormatError(
      `pickle: a tensor of shape [${shape.join(', ')}] is too large`,
      {},
      { cause: error },
    );
  }
}

/** In C order from the first element on; the stride of an axis of one element means nothing. */
function isDense({ shape, strides, offset }: Required<Strides>): boolean {
  const dense = denseStrides(shape);
  return offset === 0 && shape.every((n, i) => n === 1 || strides[i] === dense[i]);
}

import { type DType, itemSize } from '../array/dtype.js';
import { Part } from '../pickle/part.js';

/** An element type of torch. Complex numbers are pairs of `dtype`, real part first. */
export interface ElementType {
  readonly dtype: DType;
  readonly complex: boolean;
}

const real = (dtype: DType): ElementType => ({ dtype, complex: false });
const complex = (dtype: DType): ElementType => ({ dtype, complex: true });

/** By the names that follow `torch.`. */
const ELEMENTS: Readonly<Record<string, ElementType>> = {
  float32: real('float32'),
  float64: real('float64'),
  float16: real('float16'),
  bfloat16: real('bfloat16'),
  int8: real('int8'),
  uint8: real('uint8'),
  int16: real('int16'),
  uint16: real('uint16'),
  int32: real('int32'),
  uint32: real('uint32'),
  int64: real('int64'),
  uint64: real('uint64'),
  bool: real('bool'),
  complex32: complex('float16'),
  complex64: complex('float32'),
  complex128: complex('float64'),
};

/** The storage classes that stand for an element type; newer ones are saved as untyped storages. */
const STORAGES: Readonly<Record<string, keyof typeof ELEMENTS>> = {
  FloatStorage: 'float32',
  DoubleStorage: 'float64',
  HalfStorage: 'float16',
  BFloat16Storage: 'bfloat16',
  CharStorage: 'int8',
  ByteStorage: 'uint8',
  ShortStorage: 'int16',
  IntStorage: 'int32',
  LongStorage: 'int64',
  BoolStorage: 'bool',
  ComplexFloatStorage: 'complex64',
  ComplexDoubleStorage: 'complex128',
};

/** Bytes of one element. */
export const elementSize = ({ dtype, complex }: ElementType): number => itemSize(dtype) * (complex ? 2 : 1);

/** A class of storages; without an element type it holds bytes. */
export class StorageClass extends Part {
  readonly described: string;
  readonly element: ElementType | undefined;

  constructor(name: string, element?: ElementType) {
    super();
    this.described = `${name} itself`;
    this.element = element;
  }
}

/** The names of storage classes, as pickles spell them. */
export const STORAGE_CLASSES: readonly (readonly [string, StorageClass])[] = [
  ...Object.entries(STORAGES).map(
    ([name, element]) => [`torch.${name}`, new StorageClass(`torch.${name}`, ELEMENTS[element])] as const,
  ),
  ...['torch.storage.UntypedStorage', 'torch.storage._UntypedStorage', 'torch.UntypedStorage'].map(
    (name) => [name, new StorageClass(name)] as const,
  ),
];

/** The names of dtypes; in the data they are these strings. */
export const DTYPE_NAMES: readonly string[] = Object.keys(ELEMENTS).map((name) => `torch.${name}`);

/** The element type of a dtype's name. */
export const elementNamed = (name: unknown): ElementType | undefined =>
  typeof name === 'string' && name.startsWith('torch.') ? ELEMENTS_BY_NAME.get(name) : undefined;

const ELEMENTS_BY_NAME = new Map(Object.entries(ELEMENTS).map(([name, e]) => [`torch.${name}`, e]));

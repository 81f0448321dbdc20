import { FormatError } from '../errors.js';
import { Part } from '../pickle/part.js';
import { elementSize, type ElementType, StorageClass } from './element-types.js';

/** Bytes of a checkpoint that tensors lie in. */
export interface Storage {
  readonly key: string;
  /** As it was first spoken of; none for bytes. */
  readonly element: ElementType | undefined;
  readonly byteLength: number;
}

/** A storage, or a stretch of it, as the pickle hands it to a tensor. */
export class StorageView extends Part {
  readonly described = 'a torch storage itself';
  readonly storage: Storage;
  readonly element: ElementType | undefined;
  /** First byte, and how many. */
  readonly byteOffset: number;
  readonly byteLength: number;

  constructor(storage: Storage, element: ElementType | undefined, byteOffset: number, byteLength: number) {
    super();
    this.storage = storage;
    this.element = element;
    this.byteOffset = byteOffset;
    this.byteLength = byteLength;
  }
}

export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

/** Keeps the storages of a checkpoint, one for each key. */
export class Storages {
  readonly #byKey = new Map<string, Storage>();

  get(key: string): Storage | undefined {
    return this.#byKey.get(key);
  }

  /**
   * What a persistent id stands for: `('storage', class, key, location, number of elements)`, and in old files
   * `(key of a part, first element, number of elements)` or None behind it.
   */
  resolve(id: unknown): StorageView {
    const [kind, type, key, , numel, part = null] = Array.isArray(id) ? (id as unknown[]) : [];
    if (kind !== 'storage' || !(type instanceof StorageClass) || !isKey(key) || !isCount(numel)) {
      throw new FormatError('pickle: a persistent id names no torch storage');
    }
    const { element } = type;
    const size = element ? elementSize(element) : 1;
    const storage = this.#known(String(key), element, numel * size);
    if (part === null) return new StorageView(storage, element, 0, storage.byteLength);
    const [, first, count] = Array.isArray(part) ? (part as unknown[]) : [];
    if (!isCount(first) || !isCount(count) || first + count > numel) {
      throw new FormatError(`pickle: a part of torch storage ${JSON.stringify(key)} lies outside it`);
    }
    return new StorageView(storage, element, first * size, count * size);
  }

  #known(key: string, element: ElementType | undefined, byteLength: number): Storage {
    const known = this.#byKey.get(key);
    if (known && known.byteLength !== byteLength) {
      throw new FormatError(
        `pickle: torch storage ${JSON.stringify(key)} has ${known.byteLength} bytes in one place and ${byteLength} in another`,
      );
    }
    if (known) return known;
    if (!Number.isSafeInteger(byteLength))
      throw new FormatError(`pickle: torch storage ${JSON.stringify(key)} is too large`);
    const storage = { key, element, byteLength };
    this.#byKey.set(key, storage);
    return storage;
  }
}

const isKey = (value: unknown): value is string | number =>
  (typeof value === 'string' && value.length <= 100) || isCount(value);

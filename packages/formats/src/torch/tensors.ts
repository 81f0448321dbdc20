import { elementsFrom } from '../array/bytes.js';
import { type DType, itemSize, type TypedArray } from '../array/dtype.js';
import { sizeOf } from '../array/ndarray.js';
import { copyStrided } from '../array/strided.js';
import type { PlannedTensor } from './plan-tensor.js';
import type { Storage } from './storage.js';

/**
 * The tensors of a checkpoint. A storage is decoded once, whoever shares it; tensors that are the whole of one share
 * its memory, as they do in torch, all others get their own.
 */
export class Tensors {
  readonly #planned: PlannedTensor[] = [];
  /** Elements of each storage, by the type that they are read as; missing until they are read. */
  readonly #elements = new Map<Storage, Map<DType, TypedArray | undefined>>();

  /** Adds one. Gives the bytes that reading it will take, beside what is read for those before it. */
  add(tensor: PlannedTensor): number {
    this.#planned.push(tensor);
    const { storage, dtype, view, whole } = tensor;
    const types = this.#elements.get(storage) ?? new Map<DType, undefined>();
    const decoded = types.has(dtype) ? 0 : storage.byteLength;
    this.#elements.set(storage, types.set(dtype, undefined));
    return decoded + (whole ? 0 : sizeOf(view.shape) * itemSize(dtype));
  }

  /**
   * Reads the elements of all of them into their arrays.
   *
   * @param bytesOf exactly `byteLength` bytes of a storage
   */
  fill(bytesOf: (storage: Storage) => Uint8Array, littleEndian: boolean): void {
    for (const [storage, types] of this.#elements) {
      const bytes = bytesOf(storage);
      for (const dtype of types.keys()) {
        const count = Math.floor(storage.byteLength / itemSize(dtype));
        types.set(dtype, elementsFrom(bytes, 0, count, dtype, littleEndian));
      }
    }
    for (const { array, storage, dtype, view, whole } of this.#planned) {
      const from = this.#elements.get(storage)?.get(dtype);
      if (!from) continue;
      const data = whole ? from : copyStrided(from, dtype, view);
      Object.assign(array, { dtype, shape: view.shape, data });
    }
  }
}

import type { Item } from './globals.js';

/** Things a pickle refers back to, by number. Numbers usually count up; a wild one must not allocate what it names. */
export class Memo {
  readonly #dense: Item[] = [];
  readonly #sparse = new Map<number, Item>();

  /** How many were put, which is the next number that MEMOIZE takes. */
  get size(): number {
    return this.#dense.length + this.#sparse.size;
  }

  get(index: number): Item | undefined {
    return this.#sparse.has(index) ? this.#sparse.get(index) : this.#dense[index];
  }

  put(index: number, item: Item): void {
    // An early sparse number may be reached by counting later; the newest value must win either way.
    this.#sparse.delete(index);
    if (index < this.#dense.length) this.#dense[index] = item;
    else if (index === this.#dense.length) this.#dense.push(item);
    else this.#sparse.set(index, item);
  }
}

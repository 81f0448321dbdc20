import type { Cursor } from './cursor.js';
import type { Item } from './globals.js';

/** The unpickler's stack with its marks; whatever a damaged file takes from it, it never goes below a mark. */
export class Stack {
  readonly #items: Item[] = [];
  readonly #marks: number[] = [];
  readonly #cursor: Cursor;

  constructor(cursor: Cursor) {
    this.#cursor = cursor;
  }

  get #floor(): number {
    return this.#marks.at(-1) ?? 0;
  }

  get isMarkOnTop(): boolean {
    return this.#marks.length > 0 && this.#items.length === this.#floor;
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  mark(): void {
    this.#marks.push(this.#items.length);
  }

  top(): Item {
    if (this.#items.length <= this.#floor) this.#cursor.fail('takes a value from an empty stack');
    return this.#items[this.#items.length - 1] as Item;
  }

  pop(): Item {
    const item = this.top();
    this.#items.pop();
    return item;
  }

  /** Everything above the last mark, and the mark itself. */
  popMark(): Item[] {
    const from = this.#marks.pop();
    if (from === undefined) return this.#cursor.fail('refers to a mark that is not there');
    return this.#items.splice(from);
  }
}

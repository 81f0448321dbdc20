import { Cursor } from './cursor.js';
import type { Dialect } from './dialect.js';
import type { Global, Item, Workshop } from './globals.js';
import { Memo } from './memo.js';
import type { Blank } from './numpy.js';
import { Stack } from './stack.js';
import type { PickleValue } from './value.js';

/** All that a pickle's opcodes work on. */
export class Machine implements Workshop {
  readonly cursor: Cursor;
  readonly stack: Stack;
  readonly memo = new Memo();
  /** Arrays that were made and not yet filled. */
  readonly blanks = new Set<Blank>();
  /** Dicts that were made as OrderedDict. */
  readonly orderedDicts = new Set<Item>();
  readonly dialect: Dialect;
  readonly #budget: Budget;

  constructor(cursor: Cursor, budget: Budget, dialect: Dialect) {
    this.cursor = cursor;
    this.dialect = dialect;
    this.stack = new Stack(cursor);
    this.#budget = budget;
  }

  fail(what: string): never {
    return this.cursor.fail(what);
  }

  spend(amount: number): void {
    this.#budget.left -= amount;
    if (this.#budget.left < 0) this.fail('unfolds to far more than the file holds');
  }

  unfinished(array: Blank): void {
    this.blanks.add(array);
  }

  ordered(dict: Map<PickleValue, PickleValue>): void {
    this.orderedDicts.add(dict);
  }

  /** A value that a literal should have given. */
  known<T>(value: T | undefined, what: string): T {
    return value === undefined ? this.fail(what) : value;
  }

  call(callable: Global, args: readonly Item[]): void {
    this.stack.push(callable.call(args, this));
  }
}

/** Copies that one file may cause, in bytes; shared by all pickles in it. */
export interface Budget {
  left: number;
}

/** What one opcode does. */
export type Opcode = (machine: Machine) => void;

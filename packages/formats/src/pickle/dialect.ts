import { FormatError } from '../errors.js';
import { type Item, PLAIN_GLOBALS, type Workshop } from './globals.js';
import type { Part } from './part.js';

/** What a kind of pickle may say beyond plain values. */
export interface Dialect {
  /** What its names stand for; every other name is refused. */
  readonly globals: ReadonlyMap<string, Part | string>;
  /** What to do about a name that is refused. */
  readonly remedy?: string;
  /** What a persistent id stands for; without it they are refused. */
  readonly persistent?: (id: Item, workshop: Workshop) => Item;
  /** Attributes of an OrderedDict are read and dropped; else they are refused. */
  readonly dropsAttributes?: boolean;
}

/** Plain values and numpy arrays. */
export const PLAIN: Dialect = { globals: PLAIN_GLOBALS };

/** A readable form of a foreign name: no control characters, no novels. */
const printable = (name: string): string =>
  Array.from(name.slice(0, 120), (c) => (/[\p{L}\p{N}\p{P}\p{S} ]/u.test(c) ? c : '?')).join('') +
  (name.length > 120 ? '...' : '');

/** What a name stands for, or a FormatError that says which name is not allowed. */
export function resolve({ globals, remedy }: Dialect, module: string, name: string): Part | string {
  const known = globals.get(`${module}.${name}`);
  if (known === undefined) {
    const refused = `pickle: ${printable(`${module}.${name}`)} is not allowed in a data file`;
    throw new FormatError(remedy === undefined ? refused : `${refused}; ${remedy}`);
  }
  return known;
}

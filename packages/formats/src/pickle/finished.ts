import { FormatError } from '../errors.js';
import type { Item } from './globals.js';
import type { Blank } from './numpy.js';
import { Part } from './part.js';
import type { PickleValue } from './value.js';

/** Deeper nesting than any data file has; whoever walks a value recursively must not run out of stack. */
const MAX_DEPTH = 256;

const childrenOf = (item: Item): Iterator<Item> | undefined => {
  if (Array.isArray(item) || item instanceof Set) return item[Symbol.iterator]();
  return item instanceof Map ? pairs(item) : undefined;
};

function* pairs(map: ReadonlyMap<PickleValue, PickleValue>): Generator<PickleValue> {
  for (const [key, value] of map) {
    yield key;
    yield value;
  }
}

/**
 * Makes sure that what was read is data through and through: no class left lying in it, every array filled, no value
 * that contains itself, not too deeply nested. Walks without recursion and visits shared parts once.
 */
export function finished(root: Item, unfinished: ReadonlySet<Blank>): PickleValue {
  /** Height above the leaves, or 0 while the container is still open. */
  const heights = new Map<Item, number>();
  const open: { item: Item; children: Iterator<Item>; height: number }[] = [];

  const enter = (item: Item): number => {
    if (item instanceof Part) throw new FormatError(`pickle: ${item.described} is no data`);
    if (typeof item !== 'object' || item === null) return 0;
    if (unfinished.has(item as Blank)) throw new FormatError('pickle: a numpy array was never filled');
    const known = heights.get(item);
    if (known === 0) throw new FormatError('pickle: a container holds itself');
    if (known !== undefined) return known;
    const children = childrenOf(item);
    if (!children) return 0;
    heights.set(item, 0);
    open.push({ item, children, height: 1 });
    return 0;
  };

  enter(root);
  for (let top = open.at(-1); top; top = open.at(-1)) {
    const next = top.children.next();
    if (!next.done) {
      // 0 when the child was opened just now: it reports its height when it closes.
      top.height = Math.max(top.height, enter(next.value) + 1);
      continue;
    }
    open.pop();
    heights.set(top.item, top.height);
    const parent = open.at(-1);
    if (parent) parent.height = Math.max(parent.height, top.height + 1);
    else if (top.height > MAX_DEPTH) throw new FormatError(`pickle: nested deeper than ${MAX_DEPTH} levels`);
  }
  return root as PickleValue;
}

import type { Item } from './globals.js';
import type { Machine, Opcode } from './machine.js';
import type { PickleValue } from './value.js';

type Dict = Map<PickleValue, PickleValue>;

/*
 * Classes and half-made arrays may pass through containers (arguments are tuples of them); whether one stays in the
 * result is checked once, at the end. So within these opcodes every item is treated as a value.
 */
const asValues = (items: readonly Item[]): PickleValue[] => items as PickleValue[];

const last = (m: Machine, count: number): PickleValue[] => {
  const items = new Array<Item>(count);
  for (let i = count - 1; i >= 0; i--) items[i] = m.stack.pop();
  return asValues(items);
};

const append = (m: Machine, items: readonly PickleValue[]): void => {
  const target = m.stack.top();
  if (!Array.isArray(target)) return m.fail('something is appended to what is no list');
  for (const item of items) target.push(item);
};

const fill = (m: Machine, dict: Item, items: readonly PickleValue[]): void => {
  if (!(dict instanceof Map)) return m.fail('an item is set in what is no dict');
  if (items.length % 2 !== 0) return m.fail('a dict has a key without a value');
  for (let i = 0; i < items.length; i += 2) dict.set(items[i] ?? null, items[i + 1] ?? null);
};

const add = (m: Machine, items: readonly PickleValue[]): void => {
  const target = m.stack.top();
  if (!(target instanceof Set)) return m.fail('something is added to what is no set');
  for (const item of items) target.add(item);
};

/** Opcodes that make and fill lists, tuples, dicts and sets. */
export const CONTAINERS: Readonly<Record<number, Opcode>> = {
  /* EMPTY_LIST */ 0x5d: (m) => m.stack.push([]),
  /* EMPTY_TUPLE */ 0x29: (m) => m.stack.push([]),
  /* EMPTY_DICT */ 0x7d: (m) => m.stack.push(new Map() as Dict),
  /* EMPTY_SET */ 0x8f: (m) => m.stack.push(new Set<PickleValue>()),
  /* LIST */ 0x6c: (m) => m.stack.push(asValues(m.stack.popMark())),
  /* TUPLE */ 0x74: (m) => m.stack.push(asValues(m.stack.popMark())),
  /* TUPLE1 */ 0x85: (m) => m.stack.push(last(m, 1)),
  /* TUPLE2 */ 0x86: (m) => m.stack.push(last(m, 2)),
  /* TUPLE3 */ 0x87: (m) => m.stack.push(last(m, 3)),
  /* FROZENSET */ 0x91: (m) => m.stack.push(new Set(asValues(m.stack.popMark()))),
  /* DICT */ 0x64: (m) => {
    const dict: Dict = new Map();
    fill(m, dict, asValues(m.stack.popMark()));
    m.stack.push(dict);
  },
  /* APPEND */ 0x61: (m) => append(m, last(m, 1)),
  /* APPENDS */ 0x65: (m) => append(m, asValues(m.stack.popMark())),
  /* SETITEM */ 0x73: (m) => {
    const pair = last(m, 2);
    fill(m, m.stack.top(), pair);
  },
  /* SETITEMS */ 0x75: (m) => {
    const pairs = asValues(m.stack.popMark());
    fill(m, m.stack.top(), pairs);
  },
  /* ADDITEMS */ 0x90: (m) => add(m, asValues(m.stack.popMark())),
};

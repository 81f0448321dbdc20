import { resolve } from './dialect.js';
import { Global, type Item } from './globals.js';
import { parseInteger } from './literals.js';
import type { Machine, Opcode } from './machine.js';
import { type Blank, DTypeToken, makeArray } from './numpy.js';

const MAX_PROTOCOL = 5;

const recall = (m: Machine, index: number): void => {
  m.stack.push(m.known(m.memo.get(index), `memo ${index} is used and was never put`));
};

const remember = (m: Machine, index: number): void => m.memo.put(index, m.stack.top());

const indexLine = (m: Machine): number => {
  const index = parseInteger(m.cursor.line());
  return typeof index === 'number' && index >= 0 ? index : m.fail('a memo number is none');
};

const text = (m: Machine, item: Item): string =>
  typeof item === 'string' ? item : m.fail('the name of a class is no string');

/** Calls one of the allowed names. */
const reduce: Opcode = (m) => {
  const args = m.stack.pop();
  const callable = m.stack.pop();
  if (!(callable instanceof Global) || !Array.isArray(args))
    return m.fail('something is called that cannot be');
  m.call(callable, args);
};

/** Completes a numpy dtype or array; nothing else here has a state worth keeping. */
const build: Opcode = (m) => {
  const state = m.stack.pop();
  const target = m.stack.top();
  if (m.dialect.dropsAttributes && m.orderedDicts.has(target) && state instanceof Map) return;
  if (target instanceof DTypeToken && Array.isArray(state)) return target.build(state);
  const array = target as Blank;
  if (!m.blanks.has(array) || !Array.isArray(state) || state.length !== 5) {
    return m.fail('a state is given to what takes none; objects are not allowed in a data file');
  }
  const [, shape, dtype, fortran, raw] = state as Item[];
  if (typeof raw === 'string' || ArrayBuffer.isView(raw)) m.spend(raw.length);
  Object.assign(array, makeArray(shape, dtype, fortran === true || fortran === 1, raw));
  m.blanks.delete(array);
};

/** Protocols 0 and 1 name a class and call it in one go; none that is allowed here is written that way. */
const refuseInstance: Opcode = (m) => {
  const module = m.cursor.line();
  const name = m.cursor.line();
  resolve(m.dialect, module, name);
  m.fail(`an instance of ${module}.${name} is not allowed in a data file`);
};

const refuse =
  (what: string): Opcode =>
  (m) =>
    m.fail(`${what} not allowed in a data file`);

const extension = refuse('codes of the copyreg extension registry are');

/** Hands a persistent id to whoever knows what it stands for. */
const persist = (m: Machine, id: Item): void => {
  if (!m.dialect.persistent)
    return m.fail('persistent ids (as in PyTorch checkpoints, which readTorch reads) are not allowed here');
  m.stack.push(m.dialect.persistent(id, m));
};
const outOfBand = refuse('buffers outside of the file are');

/** Opcodes for the memo, for names, and for what is refused. */
export const OBJECTS: Readonly<Record<number, Opcode>> = {
  /* PROTO */ 0x80: (m) => {
    const protocol = m.cursor.u8();
    if (protocol > MAX_PROTOCOL) m.fail(`protocol ${protocol} is unknown; 0-${MAX_PROTOCOL} are read`);
  },
  /* FRAME */ 0x95: (m) => {
    const length = m.cursor.u64();
    if (length > m.cursor.left)
      m.fail(`truncated: a frame of ${length} bytes is promised, ${m.cursor.left} are left`);
  },
  /* MARK */ 0x28: (m) => m.stack.mark(),
  /* POP */ 0x30: (m) => {
    if (m.stack.isMarkOnTop) m.stack.popMark();
    else m.stack.pop();
  },
  /* POP_MARK */ 0x31: (m) => {
    m.stack.popMark();
  },
  /* DUP */ 0x32: (m) => m.stack.push(m.stack.top()),

  /* GET */ 0x67: (m) => recall(m, indexLine(m)),
  /* BINGET */ 0x68: (m) => recall(m, m.cursor.u8()),
  /* LONG_BINGET */ 0x6a: (m) => recall(m, m.cursor.u32()),
  /* PUT */ 0x70: (m) => remember(m, indexLine(m)),
  /* BINPUT */ 0x71: (m) => remember(m, m.cursor.u8()),
  /* LONG_BINPUT */ 0x72: (m) => remember(m, m.cursor.u32()),
  /* MEMOIZE */ 0x94: (m) => remember(m, m.memo.size),

  /* GLOBAL */ 0x63: (m) => {
    const module = m.cursor.line();
    m.stack.push(resolve(m.dialect, module, m.cursor.line()));
  },
  /* STACK_GLOBAL */ 0x93: (m) => {
    const name = text(m, m.stack.pop());
    m.stack.push(resolve(m.dialect, text(m, m.stack.pop()), name));
  },
  /* REDUCE */ 0x52: reduce,
  /* NEWOBJ */ 0x81: reduce,
  /* BUILD */ 0x62: build,

  /* NEWOBJ_EX */ 0x92: refuse('objects made with keyword arguments are'),
  /* INST */ 0x69: refuseInstance,
  /* OBJ */ 0x6f: refuse('instances of classes are'),
  /* EXT1 */ 0x82: extension,
  /* EXT2 */ 0x83: extension,
  /* EXT4 */ 0x84: extension,
  /* PERSID */ 0x50: (m) => persist(m, m.cursor.line()),
  /* BINPERSID */ 0x51: (m) => persist(m, m.stack.pop()),
  /* NEXT_BUFFER */ 0x97: outOfBand,
  /* READONLY_BUFFER */ 0x98: outOfBand,
};

import { FormatError } from '../errors.js';
import { Cursor } from './cursor.js';
import { type Dialect, PLAIN } from './dialect.js';
import { finished } from './finished.js';
import { type Budget, Machine, type Opcode } from './machine.js';
import { CONTAINERS } from './opcodes-containers.js';
import { OBJECTS } from './opcodes-objects.js';
import { VALUES } from './opcodes-values.js';
import type { PickleValue } from './value.js';

const STOP = 0x2e;
const OPCODES: readonly (Opcode | undefined)[] = Array.from(
  { length: 256 },
  (_, code) => VALUES[code] ?? CONTAINERS[code] ?? OBJECTS[code],
);

/** A file may cause this many bytes of copies for each of its own; honest ones stay below 3. */
const WORK_PER_BYTE = 8;
const FREE_WORK = 2 ** 20;

/**
 * Reads a pickle, protocols 0-5, without running anything: lists, tuples, dicts, sets, numbers, strings, bytes, None,
 * numpy arrays and scalars, OrderedDict. See {@link PickleValue} for what becomes of them.
 *
 * @throws FormatError for every other name (`posix.system is not allowed in a data file`), for damaged or truncated
 * files, values nested deeper than 256 levels or holding themselves, and files that hold more than one pickle
 *
 * @example
 * const [dats, lbls, shape] = readPickle(bytes) as [NdArray[], number[], number[]];
 */
export function readPickle(bytes: Uint8Array): PickleValue {
  if (bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4) {
    throw new FormatError('no pickle but a zip archive (npz, or a PyTorch checkpoint: readTorch)', {
      byte: 0,
    });
  }
  const cursor = new Cursor(bytes);
  const value = readNext(cursor, budgetFor(bytes), PLAIN);
  if (cursor.left > 0) {
    throw new FormatError(
      `pickle: ${cursor.left} more bytes follow its end; readPickles reads several pickles of one file`,
      {
        byte: cursor.at,
      },
    );
  }
  return value;
}

/** Reads all pickles that were written into one file, one after another. Throws as {@link readPickle} does. */
export function readPickles(bytes: Uint8Array): PickleValue[] {
  const cursor = new Cursor(bytes);
  const budget = budgetFor(bytes);
  const values: PickleValue[] = [];
  while (cursor.left > 0) values.push(readNext(cursor, budget, PLAIN));
  return values;
}

/** What a file may cause, however much of it is pickle. */
export const budgetFor = (bytes: Uint8Array): Budget => ({ left: bytes.length * WORK_PER_BYTE + FREE_WORK });

/** Reads the pickle that begins at the cursor, and leaves the cursor behind it. Throws as {@link readPickle} does. */
export function readNext(cursor: Cursor, budget: Budget, dialect: Dialect): PickleValue {
  const start = cursor.at;
  try {
    const machine = new Machine(cursor, budget, dialect);
    for (;;) {
      const at = cursor.at;
      const code = cursor.u8();
      if (code === STOP) return finished(machine.stack.pop(), machine.blanks);
      const opcode = OPCODES[code];
      if (!opcode)
        throw new FormatError(`pickle: 0x${code.toString(16).padStart(2, '0')} is no opcode`, { byte: at });
      opcode(machine);
    }
  } catch (error) {
    if (error instanceof FormatError) {
      throw error.byte === undefined
        ? new FormatError(error.what, { byte: cursor.at }, { cause: error })
        : error;
    }
    // Maps and Sets end at 16 million entries, arrays and strings at their own limits.
    if (error instanceof RangeError) {
      throw new FormatError(
        `pickle: too large to be read (${error.message})`,
        { byte: start },
        { cause: error },
      );
    }
    throw error;
  }
}

import {
  MAX_INT_BYTES,
  parseFloat64,
  parseInteger,
  parseQuoted,
  parseRawUnicode,
  twosComplement,
} from './literals.js';
import type { Machine, Opcode } from './machine.js';
import { latin1Bytes } from './numpy.js';

/** Bytes to number. */
const longInteger = (m: Machine, length: number): void => {
  if (length < 0 || length > MAX_INT_BYTES) {
    m.fail(`a whole number of ${length} bytes is there, the limit is ${MAX_INT_BYTES}`);
  }
  m.stack.push(twosComplement(m.cursor.bytes(length)));
};

function isAscii(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte > 127) return false;
  return true;
}

/** Python 2 had one type for text and bytes: text where it is ASCII, bytes where it is not. */
const oldString = (m: Machine, bytes: Uint8Array): void => {
  m.stack.push(isAscii(bytes) ? new TextDecoder().decode(bytes) : bytes);
};

const bytesOfLength = (m: Machine, length: number): void => m.stack.push(m.cursor.bytes(length));
const textOfLength = (m: Machine, length: number): void => m.stack.push(m.cursor.text(length));

/** Opcodes that push a plain value, by the names of Python's pickletools. */
export const VALUES: Readonly<Record<number, Opcode>> = {
  /* NONE */ 0x4e: (m) => m.stack.push(null),
  /* NEWTRUE */ 0x88: (m) => m.stack.push(true),
  /* NEWFALSE */ 0x89: (m) => m.stack.push(false),
  /* INT */ 0x49: (m) => {
    const line = m.cursor.line();
    if (line === '00' || line === '01') m.stack.push(line === '01');
    else m.stack.push(m.known(parseInteger(line), 'a decimal whole number is none'));
  },
  /* LONG */ 0x4c: (m) =>
    m.stack.push(m.known(parseInteger(m.cursor.line()), 'a decimal whole number is none')),
  /* BININT */ 0x4a: (m) => m.stack.push(m.cursor.i32()),
  /* BININT1 */ 0x4b: (m) => m.stack.push(m.cursor.u8()),
  /* BININT2 */ 0x4d: (m) => m.stack.push(m.cursor.u16()),
  /* LONG1 */ 0x8a: (m) => longInteger(m, m.cursor.u8()),
  /* LONG4 */ 0x8b: (m) => longInteger(m, m.cursor.i32()),
  /* FLOAT */ 0x46: (m) => m.stack.push(m.known(parseFloat64(m.cursor.line()), 'a decimal number is none')),
  /* BINFLOAT */ 0x47: (m) => m.stack.push(m.cursor.f64()),

  /* STRING */ 0x53: (m) => {
    const text = m.known(parseQuoted(m.cursor.line()), 'a quoted string is none');
    oldString(m, m.known(latin1Bytes(text), 'a quoted string is none'));
  },
  /* BINSTRING */ 0x54: (m) => oldString(m, m.cursor.bytes(m.cursor.u32())),
  /* SHORT_BINSTRING */ 0x55: (m) => oldString(m, m.cursor.bytes(m.cursor.u8())),
  /* UNICODE */ 0x56: (m) =>
    m.stack.push(m.known(parseRawUnicode(m.cursor.line()), 'a string has no such character')),
  /* BINUNICODE */ 0x58: (m) => textOfLength(m, m.cursor.u32()),
  /* SHORT_BINUNICODE */ 0x8c: (m) => textOfLength(m, m.cursor.u8()),
  /* BINUNICODE8 */ 0x8d: (m) => textOfLength(m, m.cursor.u64()),
  /* BINBYTES */ 0x42: (m) => bytesOfLength(m, m.cursor.u32()),
  /* SHORT_BINBYTES */ 0x43: (m) => bytesOfLength(m, m.cursor.u8()),
  /* BINBYTES8 */ 0x8e: (m) => bytesOfLength(m, m.cursor.u64()),
  /* BYTEARRAY8 */ 0x96: (m) => bytesOfLength(m, m.cursor.u64()),
};

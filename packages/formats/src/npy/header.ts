import type { DType } from '../array/dtype.js';
import { FormatError } from '../errors.js';

/** What the header of an npy file says. */
export interface NpyHeader {
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
}

/** numpy allows 64 axes; nobody who means well needs more. */
const MAX_AXES = 64;

/**
 * Reads the Python dictionary literal that an npy file starts with, without being a Python parser: exactly the three
 * keys that the format defines, in any order.
 */
export function parseHeader(text: string, byte: number): NpyHeader {
  const fail = (what: string): never => {
    throw new FormatError(`npy header: ${what}`, { byte });
  };
  let at = 0;
  const skip = (): void => {
    while (at < text.length && ' \t\r\n\0'.includes(text.charAt(at))) at++;
  };
  const accept = (token: string): boolean => {
    skip();
    if (!text.startsWith(token, at)) return false;
    at += token.length;
    return true;
  };
  const expect = (token: string): void => {
    if (!accept(token)) fail(`expected ${token} at character ${at}`);
  };
  const quoted = (): string => {
    skip();
    const quote = text.charAt(at);
    const end = quote === "'" || quote === '"' ? text.indexOf(quote, at + 1) : -1;
    if (end < 0) fail(`expected a quoted string at character ${at}`);
    const value = text.slice(at + 1, end);
    at = end + 1;
    return value;
  };
  const shapeTuple = (): number[] => {
    expect('(');
    const dims: number[] = [];
    while (!accept(')')) {
      skip();
      const digits = /^\d{1,16}/.exec(text.slice(at, at + 17))?.[0];
      if (digits === undefined || !Number.isSafeInteger(Number(digits)))
        return fail('shape is no tuple of whole numbers');
      at += digits.length;
      accept('L'); // Python 2 wrote long integers that way.
      if (dims.push(Number(digits)) > MAX_AXES) fail(`more than ${MAX_AXES} axes`);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return dims;
  };

  let descr: string | undefined;
  let fortranOrder: boolean | undefined;
  let shape: number[] | undefined;
  expect('{');
  while (!accept('}')) {
    const key = quoted();
    expect(':');
    if (key === 'descr' && descr === undefined) {
      skip();
      if (text.charAt(at) === '[')
        fail(`structured dtype ${shorten(text.slice(at))} is not read; save each field as its own array`);
      descr = quoted();
    } else if (key === 'fortran_order' && fortranOrder === undefined) {
      fortranOrder = accept('True');
      if (!fortranOrder) expect('False');
    } else if (key === 'shape' && shape === undefined) {
      shape = shapeTuple();
    } else {
      fail(`key ${JSON.stringify(shorten(key))} is unknown or given twice`);
    }
    if (!accept(',')) {
      expect('}');
      break;
    }
  }
  skip();
  if (at < text.length) fail(`unexpected text after the closing brace at character ${at}`);
  if (descr === undefined || fortranOrder === undefined || shape === undefined) {
    return fail('descr, fortran_order and shape must all be there');
  }
  return { descr, fortranOrder, shape };
}

const shorten = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}...` : text.trimEnd());

const KINDS: Readonly<Record<string, DType>> = {
  f2: 'float16',
  f4: 'float32',
  f8: 'float64',
  i1: 'int8',
  i2: 'int16',
  i4: 'int32',
  i8: 'int64',
  u1: 'uint8',
  u2: 'uint16',
  u4: 'uint32',
  u8: 'uint64',
  b1: 'bool',
};

const REFUSED: Readonly<Record<string, string>> = {
  O: 'an object dtype holds pickled Python objects, which are never loaded from an array; save plain numbers',
  V: 'a structured (void) dtype is not read; save each field as its own array',
  c: 'complex numbers are not read; save the real and the imaginary part',
  S: 'byte strings are not read; save numbers',
  a: 'byte strings are not read; save numbers',
  U: 'strings are not read; save numbers',
  M: 'dates are not read; save numbers',
  m: 'time spans are not read; save numbers',
  f: 'extended-precision floats differ between machines; save float64',
  g: 'extended-precision floats differ between machines; save float64',
};

/**
 * Element type and byte order out of numpy's short form: `<f4`, `>i2`, `|u1`, `f8` (no sign: the machine's, taken as
 * little-endian).
 *
 * @throws FormatError that names the dtype when it is not a plain number
 */
export function parseDescr(descr: string, byte?: number): { dtype: DType; littleEndian: boolean } {
  const [, order = '', code = ''] = /^([<>|=]?)(.*)$/s.exec(descr) ?? [];
  const dtype = KINDS[code === '?' ? 'b1' : code];
  if (dtype === undefined || !Object.hasOwn(KINDS, code === '?' ? 'b1' : code)) {
    const why = Object.hasOwn(REFUSED, code.charAt(0)) ? REFUSED[code.charAt(0)] : 'it is unknown';
    throw new FormatError(`numpy dtype ${JSON.stringify(shorten(descr))}: ${why}`, { byte });
  }
  return { dtype, littleEndian: order !== '>' };
}

/** The little-endian short form of an element type. */
export function descrOf(dtype: DType): string {
  const code = Object.keys(KINDS).find((k) => KINDS[k] === dtype);
  if (code === undefined) throw new TypeError(`numpy has no ${dtype}; convert it first (toFloat32)`);
  return `${code.endsWith('1') ? '|' : '<'}${code}`;
}

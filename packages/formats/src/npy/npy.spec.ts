import fc from 'fast-check';
import { itemSize } from '../array/dtype.js';
import { elementsFrom } from '../array/bytes.js';
import { toFloat32 } from '../array/float.js';
import { ndarray } from '../array/ndarray.js';
import { FormatError } from '../errors.js';
import { counted, fixture } from '../spec/fixture.js';
import { readNpy, writeNpy } from './npy.js';

const NAMES = {
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
} as const;
const isUnsigned = (code: string): boolean => code.startsWith('u');

/** An npy file with a header of our own words. */
const handmade = (header: string, data: Uint8Array = new Uint8Array(0), version = 1): Uint8Array => {
  const text = new TextEncoder().encode(header);
  const start = version === 1 ? 10 : 12;
  const out = new Uint8Array(start + text.length + data.length);
  out.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0]);
  new DataView(out.buffer).setUint16(8, text.length, true);
  out.set(text, start);
  out.set(data, start + text.length);
  return out;
};

describe('readNpy, on files by numpy', () => {
  const orders = ['little', 'big'].flatMap((order) =>
    Object.entries(NAMES).map(([code, dtype]) => ({ order, code, dtype })),
  );
  it.each(orders.filter(({ order, code }) => order === 'little' || !code.endsWith('1')))(
    '$order-endian $dtype',
    ({ order, code, dtype }) => {
      const array = readNpy(fixture(`${order}-${code}.npy`));
      expect(array.dtype).toBe(dtype);
      expect(array.shape).toEqual([2, 3]);
      const bits = 8 * itemSize(dtype);
      const want = counted(6).map((v) => (isUnsigned(code) && v < 0 ? Math.fround(2 ** bits + v) : v));
      expect([...toFloat32(array)]).toEqual(want);
    },
  );

  it('64-bit integers exactly', () => {
    expect(readNpy(fixture('big-i8.npy')).data).toEqual(BigInt64Array.of(-3n, -2n, -1n, 0n, 1n, 2n));
    expect(readNpy(fixture('big-u8.npy')).data[0]).toBe(2n ** 64n - 3n);
  });

  it('bool', () => {
    expect(readNpy(fixture('little-bool.npy'))).toEqual(
      ndarray(Uint8Array.of(1, 1, 1, 0, 1, 1), [2, 3], 'bool'),
    );
  });

  it('Fortran order, turned', () => {
    expect(readNpy(fixture('fortran.npy'))).toEqual(ndarray(Int16Array.from(counted(24)), [2, 3, 4]));
  });

  it('scalars, empty arrays, versions 2 and 3', () => {
    expect(readNpy(fixture('scalar.npy'))).toEqual(ndarray(Float64Array.of(2.5), []));
    expect(readNpy(fixture('empty.npy'))).toEqual(ndarray(new Float32Array(0), [0, 3]));
    expect(readNpy(fixture('version2.npy'))).toEqual(ndarray(Uint8Array.from(counted(6)), [2, 3]));
    expect(readNpy(fixture('version3.npy'))).toEqual(ndarray(Uint8Array.from(counted(6)), [2, 3]));
  });

  it.each([
    ['object', /dtype "\|O".*pickled Python objects, which are never loaded/],
    ['events', /structured dtype \[\('x', '<i2'\).*save each field/],
    ['text', /dtype "<U2": strings are not read/],
    ['complex', /dtype "<c8": complex numbers are not read/],
    ['date', /dtype "<M8\[s\]": dates are not read/],
  ])('%s arrays are refused by name', (name, message) => {
    expect(() => readNpy(fixture(`${name}.npy`))).toThrow(message);
    expect(() => readNpy(fixture(`${name}.npy`))).toThrow(FormatError);
  });
});

describe('readNpy, on damaged files', () => {
  const good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n";

  it.each([
    ['another format', Uint8Array.of(0x50, 0x4b, 3, 4), /does not start with/],
    ['nothing', new Uint8Array(0), /does not start with/],
    ['only the magic', handmade('').subarray(0, 8), /truncated inside its header/],
    ['an unknown version', handmade(good, new Uint8Array(8), 9), /version 9 is unknown/],
    [
      'a header beyond the end',
      handmade(good).subarray(0, 20),
      /truncated: the header ends at 68, the file at 20/,
    ],
    [
      'too few bytes',
      handmade(good, new Uint8Array(7)),
      /truncated: shape \(2\) of float32 needs 8 bytes, there are 7/,
    ],
    ['too many bytes', handmade(good, new Uint8Array(9)), /too long: .* needs 8 bytes, there are 9/],
    [
      'a bomb',
      handmade("{'descr': '<f8', 'fortran_order': True, 'shape': (99999999999, 9)}"),
      /truncated: .* there are 0/,
    ],
    [
      'an overflowing shape',
      handmade("{'descr': '<f8', 'fortran_order': False, 'shape': (9007199254740991, 9)}"),
      /too large/,
    ],
    [
      'a huge dimension',
      handmade("{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999,)}"),
      /no tuple of whole/,
    ],
    [
      'a negative dimension',
      handmade("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}"),
      /no tuple of whole/,
    ],
    [
      'a hundred axes',
      handmade(`{'descr': '<f8', 'fortran_order': False, 'shape': (${'1,'.repeat(100)})}`),
      /more than 64 axes/,
    ],
    ['no shape', handmade("{'descr': '<f8', 'fortran_order': False}"), /must all be there/],
    ['a key twice', handmade("{'descr': '<f8', 'descr': '<f4'}"), /"descr" is unknown or given twice/],
    ['an expression', handmade("{'descr': __import__('os').system('x')}"), /expected a quoted string/],
    ['a word for a flag', handmade("{'fortran_order': Maybe}"), /expected False/],
    [
      'text behind it',
      handmade("{'descr': '<f8', 'fortran_order': False, 'shape': ()} + 1", new Uint8Array(8)),
      /after the closing brace/,
    ],
    [
      'long doubles',
      handmade("{'descr': '<f16', 'fortran_order': False, 'shape': ()}"),
      /extended-precision/,
    ],
    [
      'an unheard-of type',
      handmade("{'descr': 'constructor', 'fortran_order': False, 'shape': ()}"),
      /dtype "constructor"/,
    ],
  ])('%s', (_, bytes, message) => {
    expect(() => readNpy(bytes)).toThrow(message);
    expect(() => readNpy(bytes)).toThrow(FormatError);
  });

  it('no mutation makes it throw anything but a FormatError', () => {
    const seeds = ['little-f4', 'fortran', 'version2', 'events', 'big-i8'].map((n) => fixture(`${n}.npy`));
    fc.assert(
      fc.property(
        fc.constantFrom(...seeds),
        fc.array(fc.tuple(fc.nat(140), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }),
        fc.nat(300),
        (seed, edits, length) => {
          const bytes = seed.slice(0, length);
          for (const [at, byte] of edits) if (at < bytes.length) bytes[at] = byte;
          try {
            readNpy(bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(FormatError);
          }
        },
      ),
      { numRuns: 1500 },
    );
  });
});

describe('writeNpy', () => {
  it('writes what it reads', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(3), { maxLength: 4 }),
        fc.constantFrom(
          'float16',
          'float32',
          'float64',
          'int8',
          'uint8',
          'int16',
          'uint16',
          'int32',
          'uint32',
          'int64',
          'uint64',
          'bool',
        ),
        fc.uint8Array({ minLength: 81 * 8, maxLength: 81 * 8 }),
        (shape, dtype, bytes) => {
          const count = shape.reduce((a, b) => a * b, 1);
          const array = { dtype, shape, data: elementsFrom(bytes, 0, count, dtype) } as const;
          const file = writeNpy(array);
          expect((file.length - array.data.byteLength) % 64).toBe(0);
          expect(readNpy(file)).toEqual(array);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('writes only the array it is given, not the memory around it', () => {
    const inner = new Float32Array([1, 2, 3, 4]).subarray(1, 3);
    expect(readNpy(writeNpy(ndarray(inner))).data).toEqual(Float32Array.of(2, 3));
  });

  it('reads from the middle of other memory', () => {
    const file = writeNpy(ndarray(Float64Array.of(1, 2)));
    const around = new Uint8Array(file.length + 3);
    around.set(file, 3);
    expect(readNpy(around.subarray(3)).data).toEqual(Float64Array.of(1, 2));
  });

  it('says that numpy has no bfloat16', () => {
    expect(() => writeNpy(ndarray(new Uint16Array(1), [1], 'bfloat16'))).toThrow(
      'numpy has no bfloat16; convert it first',
    );
  });
});

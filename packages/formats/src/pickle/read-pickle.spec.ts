import type { NdArray } from '../array/ndarray.js';
import { ndarray } from '../array/ndarray.js';
import { toFloat32 } from '../array/float.js';
import { FormatError } from '../errors.js';
import { counted, fixture } from '../spec/fixture.js';
import { readPickle, readPickles } from './read-pickle.js';
import type { PickleValue } from './value.js';

type Dict = Map<PickleValue, PickleValue>;
const dictOf = (name: string): Dict => readPickle(fixture(name)) as Dict;

const PLAIN: [string, PickleValue][] = [
  ['none', null],
  ['true', true],
  ['false', false],
  [
    'ints',
    [
      0,
      255,
      256,
      65535,
      65536,
      -1,
      -(2 ** 31),
      2 ** 31,
      2n ** 53n,
      -(2n ** 53n),
      2n ** 63n,
      -(2n ** 100n),
      10n ** 30n,
    ],
  ],
  ['floats', [0, -0, 1.5, -1e300, Infinity, -Infinity, NaN]],
  ['text', ['', 'plain', 'line\nbreak\\', 'größe 🙂', 'x'.repeat(300)]],
  [
    'bytes',
    [new Uint8Array(0), Uint8Array.of(0, 1, 254, 255), Uint8Array.from({ length: 512 }, (_, i) => i % 256)],
  ],
  ['bytearray', Uint8Array.of(0x80, 0x90)],
  ['list', [[], [1, [2, [3]]]]],
  ['tuples', [[], [1], [1, 2], [1, 2, 3], [1, 2, 3, 4]]],
  ['ordered', new Map([['b', 1], ['a', 2]])], // prettier-ignore
  ['set', new Set([1, 2, 3])],
  ['frozenset', new Set(['a'])],
];

describe.each([0, 1, 2, 3, 4, 5])('pickles of protocol %i', (protocol) => {
  const plain = dictOf(`plain-${protocol}.pkl`);

  it.each(PLAIN)('hold %s', (key, value) => {
    expect(plain.get(key)).toEqual(value);
  });

  it('hold dicts with any keys', () => {
    const dict = plain.get('dict') as Dict;
    expect([...dict]).toEqual([[1, 'one'], [[2, 3], 'pair'], [null, 0]]); // prettier-ignore
  });

  it('keep what is shared shared', () => {
    const [a, b] = plain.get('shared') as PickleValue[];
    expect(a).toEqual([1, 2]);
    expect(a).toBe(b);
  });

  it('hold numpy arrays', () => {
    checkArrays(dictOf(`arrays-${protocol}.pkl`));
  });
});

it.each([2, 5])('pickles of numpy 1, protocol %i', (protocol) => {
  checkArrays(dictOf(`numpy1-${protocol}.pkl`));
});

function checkArrays(arrays: Dict): void {
  const dtypes = arrays.get('dtypes') as Map<string, NdArray>;
  expect([...dtypes.values()].map((a) => a.dtype)).toEqual(
    'float16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool'.split(' '),
  );
  for (const [code, array] of dtypes) {
    expect(array.shape).toEqual([2, 3]);
    if (!/[u?]/.test(code)) expect([...toFloat32(array)]).toEqual(counted(6));
  }
  expect(dtypes.get('?')?.data).toEqual(Uint8Array.of(1, 1, 1, 0, 1, 1));
  expect(dtypes.get('u2')?.data).toEqual(Uint16Array.from(counted(6)));
  for (const array of (arrays.get('big endian') as Map<string, NdArray>).values()) {
    expect([...toFloat32(array)]).toEqual(counted(6));
  }
  expect(arrays.get('fortran')).toEqual(ndarray(Int32Array.from(counted(24)), [2, 3, 4]));
  expect(arrays.get('strided')).toEqual(ndarray(Float32Array.of(-2, -1, 0, 6, 7, 8), [2, 3]));
  expect(arrays.get('scalar array')).toEqual(ndarray(BigInt64Array.of(7n), []));
  expect(arrays.get('empty')).toEqual(ndarray(new Float32Array(0), [0, 3]));
  expect(arrays.get('scalars')).toEqual([Math.fround(0.1), 0.1, -5, 2n ** 63n, -3, true, 1.5]);
}

describe('the example of the guide', () => {
  it.each([2, 4])('(dats, lbls, shape) with packed bits, protocol %i', (protocol) => {
    const [dats, lbls, shape] = readPickle(fixture(`seed-${protocol}.pkl`)) as [
      NdArray[],
      number[],
      number[],
    ];
    expect(shape).toEqual([4, 2, 8, 8]);
    expect(lbls).toHaveLength(10);
    expect(lbls.every((label) => Number.isInteger(label) && label >= 0 && label < 10)).toBe(true);
    expect(dats).toHaveLength(10);
    for (const dat of dats) {
      expect([dat.dtype, dat.shape]).toEqual(['uint8', [(4 * 2 * 8 * 8) / 8]]);
    }
    const ones = dats.flatMap((d) => [...(d.data as Uint8Array)]).join(',');
    expect(new Set(ones.split(',')).size).toBeGreaterThan(20);
  });
});

describe('several pickles in one file', () => {
  it('are read one by one', () => {
    expect(readPickles(fixture('two.pkl'))).toEqual([[1], new Map([['b', 2]])]);
    expect(readPickles(new Uint8Array(0))).toEqual([]);
  });

  it('are not mistaken for one', () => {
    expect(() => readPickle(fixture('two.pkl'))).toThrow(
      /more bytes follow its end; readPickles reads several/,
    );
  });
});

describe('what is refused by name', () => {
  it.each([
    ['date.pkl', 'datetime.date is not allowed in a data file'],
    ['counter.pkl', 'collections.Counter is not allowed in a data file'],
    ['object-array.pkl', 'numpy dtype "O8": an object dtype holds pickled Python objects'],
    ['text-array.pkl', 'numpy dtype "U2": strings are not read'],
    ['events-array.pkl', 'numpy dtype "V6": a structured (void) dtype is not read'],
  ])('%s', (name, message) => {
    expect(() => readPickle(fixture(name))).toThrow(message);
    expect(() => readPickle(fixture(name))).toThrow(FormatError);
  });
});

import fc from 'fast-check';
import { elementsFrom } from '../array/bytes.js';
import { type DType, itemSize } from '../array/dtype.js';
import { type NdArray, ndarray, sizeOf } from '../array/ndarray.js';
import { FormatError } from '../errors.js';
import { fixture } from '../spec/fixture.js';
import { duplicateKey } from './duplicate-key.js';
import { describeSafetensors, readSafetensors, writeSafetensors } from './safetensors.js';

const DTYPES: DType[] = [
  'float32', 'float64', 'float16', 'bfloat16', 'int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64', 'bool',
]; // prettier-ignore

/** A file whose header is our own words. */
const handmade = (header: unknown, dataLength: number): Uint8Array => {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const out = new Uint8Array(8 + text.length + dataLength);
  new DataView(out.buffer).setBigUint64(0, BigInt(text.length), true);
  out.set(text, 8);
  return out;
};

const refused = (bytes: Uint8Array): string => {
  try {
    readSafetensors(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(FormatError);
    return (error as FormatError).message;
  }
  throw new Error('it was read');
};

const tensor = fc
  .record({ dtype: fc.constantFrom(...DTYPES), shape: fc.array(fc.nat(3), { maxLength: 3 }) })
  .map(({ dtype, shape }): NdArray => {
    const bytes = Uint8Array.from({ length: sizeOf(shape) * itemSize(dtype) }, (_, i) =>
      dtype === 'bool' ? i & 1 : i * 37,
    );
    return { dtype, shape, data: elementsFrom(bytes, 0, sizeOf(shape), dtype) };
  });

describe('safetensors', () => {
  it('reads a file by the reference implementation', () => {
    const { tensors, metadata } = readSafetensors(fixture('reference.safetensors'));
    expect(metadata).toEqual({ format: 'np', note: 'größe' });
    expect(tensors.get('weight')).toEqual(ndarray(Float32Array.of(-3, -2, -1, 0, 1, 2), [2, 3]));
    expect(tensors.get('half')).toEqual(ndarray(Uint16Array.of(0xc200, 0xc000, 0xbc00), [3], 'float16'));
    expect(tensors.get('n')).toEqual(ndarray(BigInt64Array.of(7n), []));
    expect(tensors.get('flags')).toEqual(ndarray(Uint8Array.of(1, 0), [2], 'bool'));
  });

  it('reads what it writes, the same bytes in whatever order it comes', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), tensor, { maxKeys: 6 }),
        fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 }),
        (record, texts) => {
          delete record.__metadata__;
          const tensors = new Map(Object.entries(record));
          const metadata = new Map(Object.entries(texts));
          const file = writeSafetensors(tensors, metadata);
          const read = readSafetensors(file);
          expect(new Map([...read.tensors].sort())).toEqual(new Map([...tensors].sort()));
          expect(new Map(Object.entries(read.metadata).sort())).toEqual(new Map([...metadata].sort()));
          const reversed = writeSafetensors(
            new Map([...tensors].reverse()),
            new Map([...metadata].reverse()),
          );
          expect(Buffer.compare(reversed, file)).toBe(0);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('aligns every tensor to its element size', () => {
    const file = writeSafetensors({
      byte: ndarray(Uint8Array.of(1)),
      double: ndarray(Float64Array.of(1)),
      half: ndarray(Uint16Array.of(1), [1], 'float16'),
      float: ndarray(Float32Array.of(1)),
    });
    const names = [...readSafetensors(file).tensors.keys()];
    expect(names).toEqual(['double', 'float', 'half', 'byte']);
    expect(Number(new DataView(file.buffer).getBigUint64(0, true)) % 8).toBe(0);
    expect(describeSafetensors(file)[1]).toEqual({ name: 'float', dtype: 'float32', shape: [1] });
  });

  it('keeps odd names and metadata', () => {
    const odd = JSON.parse('{"__proto__": "a", "constructor": "b"}') as Record<string, string>;
    const file = writeSafetensors(new Map([['__proto__', ndarray(Uint8Array.of(1))]]), odd);
    const { tensors, metadata } = readSafetensors(file);
    expect([...tensors.keys()]).toEqual(['__proto__']);
    expect(Object.entries(metadata)).toEqual([['__proto__', 'a'], ['constructor', 'b']]); // prettier-ignore
  });

  it('refuses to write what it could not read', () => {
    expect(() => writeSafetensors({ __metadata__: ndarray(Uint8Array.of(1)) })).toThrow(
      'cannot be called __metadata__',
    );
    expect(() => writeSafetensors({}, { a: 1 as unknown as string })).toThrow(
      'metadata "a" must be a string',
    );
  });
});

describe('safetensors that are wrong', () => {
  const f4 = (begin: number, end: number, shape: unknown = [(end - begin) / 4]) => ({
    dtype: 'F32',
    shape,
    data_offsets: [begin, end],
  });

  it.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(0), '0 bytes are too few for a header'],
    [
      'a header beyond the end',
      handmade({ a: f4(0, 4) }, 4).subarray(0, 20),
      'truncated: the header should end at byte',
    ],
    [
      'an endless header',
      Uint8Array.from({ length: 16 }, () => 255),
      'a header of 18446744073709551615 bytes is beyond',
    ],
    ['no object', handmade('[]', 0), 'does not start with {'],
    ['no JSON', handmade('{"a"', 0), 'the header is no JSON'],
    ['bad UTF-8', (() => { const b = handmade('{"aa":1}', 0); b[10] = 0xff; return b; })(), 'the header is no JSON'], // prettier-ignore
    ['a tensor twice', handmade('{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\\u0061":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}', 0), '"a" is there twice'], // prettier-ignore
    ['a key twice', handmade('{"a":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}}', 0), '"dtype" is there twice'], // prettier-ignore
    ['metadata of numbers', handmade({ __metadata__: { a: 1 } }, 0), '__metadata__ "a" is no string'],
    ['metadata as a list', handmade({ __metadata__: [] }, 0), '__metadata__ is no object'],
    ['a number for a tensor', handmade({ a: 1 }, 0), 'tensor "a" is no object'],
    [
      'an unknown key',
      handmade({ a: { ...f4(0, 4), extra: 1 } }, 4),
      'tensor "a" has an unknown key "extra"',
    ],
    [
      'an unknown dtype',
      handmade({ a: { ...f4(0, 4), dtype: 'F8_E4M3' } }, 4),
      'has dtype "\\"F8_E4M3\\"", which is not read',
    ],
    ['no dtype', handmade({ a: { shape: [], data_offsets: [0, 0] } }, 0), 'has dtype "none"'],
    ['a negative dimension', handmade({ a: f4(0, 4, [-1]) }, 4), 'tensor "a" has no valid shape'],
    ['a fraction', handmade({ a: f4(0, 4, [0.5]) }, 4), 'tensor "a" has no valid shape'],
    ['an overflowing shape', handmade({ a: f4(0, 4, [2 ** 40, 2 ** 40]) }, 4), 'a shape that is too large'],
    [
      'non-finite offsets',
      handmade('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,1e999]}}', 4),
      'no valid data_offsets',
    ],
    ['three offsets', handmade({ a: { ...f4(0, 4), data_offsets: [0, 4, 8] } }, 4), 'no valid data_offsets'],
    [
      'turned offsets',
      handmade({ a: { ...f4(0, 4), data_offsets: [4, 0] } }, 4),
      'needs 4 bytes, its data_offsets give -4',
    ],
    [
      'a size that does not fit',
      handmade({ a: f4(0, 4, [2]) }, 4),
      'shape [2] F32 needs 8 bytes, its data_offsets give 4',
    ],
    ['an overlap', handmade({ a: f4(0, 8), b: f4(4, 12) }, 12), 'tensor "b" overlaps another one'],
    ['a gap', handmade({ a: f4(0, 4), b: f4(8, 12) }, 12), '4 bytes before tensor "b" belong to nothing'],
    [
      'truncated data',
      handmade({ a: f4(0, 8) }, 7),
      'truncated: tensor "a" should end at 8, the data ends at 7',
    ],
    ['bytes behind it', handmade({ a: f4(0, 8) }, 9), '1 bytes at the end belong to no tensor'],
  ])('%s', (_, bytes, message) => {
    expect(refused(bytes)).toContain(message);
  });

  it('every cut of a good file is refused', () => {
    const file = writeSafetensors(
      { a: ndarray(new Float32Array(20)), b: ndarray(new Uint8Array(3)) },
      { epoch: '1' },
    );
    for (let length = 0; length < file.length; length++)
      expect(refused(file.subarray(0, length))).toContain('safetensors');
  });

  it('no mutation makes it throw anything but a FormatError', () => {
    const seed = fixture('reference.safetensors');
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(seed.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 }),
        (edits) => {
          const bytes = seed.slice();
          for (const [at, byte] of edits) bytes[at] = byte;
          try {
            readSafetensors(bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(FormatError);
          }
        },
      ),
      { numRuns: 1500 },
    );
  });
});

describe('duplicateKey', () => {
  it.each([
    ['{}', undefined],
    ['{"a":1,"b":{"a":2},"c":[{"a":1},{"a":1}]}', undefined],
    ['{"a":"a","b":"a,\\"a\\":"}', undefined],
    ['{"a":["a","a"]}', undefined],
    ['{"a":1,"b":2,"a":3}', 'a'],
    ['{"x":{"a\\"":1,"a\\"":2}}', 'a"'],
    ['[{"k":1},{"k":1,"k":2}]', 'k'],
  ])('%s: %p', (json, key) => {
    JSON.parse(json);
    expect(duplicateKey(json)).toBe(key);
  });
});

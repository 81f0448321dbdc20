import fc from 'fast-check';
import { bytesOf, elementsFrom, swapBytes } from './bytes.js';
import { type DType, dtypeOf, itemSize } from './dtype.js';
import { bfloat16ToFloat32, float16ToFloat32, toFloat32 } from './float.js';
import { ndarray, sizeOf } from './ndarray.js';
import { transpose } from './transpose.js';

describe('ndarray', () => {
  it('takes its element type from the data', () => {
    expect(ndarray(new Float32Array(6), [2, 3])).toEqual({
      dtype: 'float32',
      shape: [2, 3],
      data: new Float32Array(6),
    });
    expect(ndarray(new BigInt64Array(2)).dtype).toBe('int64');
    expect(ndarray(new Uint16Array(1), [], 'float16').dtype).toBe('float16');
    expect(() => dtypeOf(new DataView(new ArrayBuffer(1)) as unknown as Uint8Array)).toThrow('no array type');
  });

  it('refuses a shape that does not fit', () => {
    expect(() => ndarray(new Float32Array(6), [2, 2])).toThrow(
      'shape [2, 2] holds 4 elements, but there are 6',
    );
    expect(() => ndarray(new Float32Array(6), [6], 'float64')).toThrow('float64 takes 8 bytes an element');
    expect(() => sizeOf([2, -1])).toThrow('has no size');
    expect(() => sizeOf([1.5])).toThrow('has no size');
    expect(() => sizeOf([2 ** 40, 2 ** 40])).toThrow('too large');
    expect(sizeOf([2 ** 40, 2 ** 40, 0])).toBe(0);
    expect(sizeOf([])).toBe(1);
  });

  it('keeps its own copy of the shape', () => {
    const shape = [1];
    const array = ndarray(new Uint8Array(1), shape);
    shape[0] = 5;
    expect(array.shape).toEqual([1]);
  });
});

describe('bytes of elements', () => {
  it('are turned as asked, whatever the alignment', () => {
    const bytes = Uint8Array.of(99, 1, 2, 3, 4);
    expect(elementsFrom(bytes, 1, 2, 'uint16', true)).toEqual(Uint16Array.of(0x0201, 0x0403));
    expect(elementsFrom(bytes, 1, 2, 'uint16', false)).toEqual(Uint16Array.of(0x0102, 0x0304));
    expect(elementsFrom(bytes, 1, 1, 'uint32', false)).toEqual(Uint32Array.of(0x01020304));
    expect(elementsFrom(bytes, 0, 3, 'bool')).toEqual(Uint8Array.of(1, 1, 1));
  });

  it('have memory of their own', () => {
    const bytes = new Uint8Array(8);
    const got = elementsFrom(bytes, 0, 8, 'uint8');
    bytes[0] = 7;
    expect(got[0]).toBe(0);
    expect(got.buffer.byteLength).toBe(8);
  });

  it('swap in place', () => {
    const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    swapBytes(bytes, 8);
    expect([...bytes]).toEqual([8, 7, 6, 5, 4, 3, 2, 1]);
    swapBytes(bytes, 1);
    expect(bytes[0]).toBe(8);
    expect([...bytesOf(Uint16Array.of(0x0102).subarray(0, 1))]).toEqual([2, 1]);
  });
});

describe('half precision', () => {
  it.each([
    [0x0000, 0],
    [0x8000, -0],
    [0x0001, 2 ** -24],
    [0x03ff, 1023 * 2 ** -24],
    [0x0400, 2 ** -14],
    [0x3c00, 1],
    [0xc000, -2],
    [0x7bff, 65504],
    [0x7c00, Infinity],
    [0xfc00, -Infinity],
    [0x7e00, NaN],
  ])('float16 %p is %p', (bits, value) => {
    expect(float16ToFloat32(Uint16Array.of(bits))[0]).toBe(value);
  });

  it('bfloat16 is the upper half of a float32', () => {
    expect([...bfloat16ToFloat32(Uint16Array.of(0x3f80, 0xc040, 0x7f80))]).toEqual([1, -3, Infinity]);
  });

  it('toFloat32 reads every element type', () => {
    const same = new Float32Array([1.5]);
    expect(toFloat32(ndarray(same))).toBe(same);
    expect(toFloat32(ndarray(Uint16Array.of(0x3c00), [1], 'float16'))).toEqual(Float32Array.of(1));
    expect(toFloat32(ndarray(Uint16Array.of(0x3f80), [1], 'bfloat16'))).toEqual(Float32Array.of(1));
    expect(toFloat32(ndarray(Uint16Array.of(3)))).toEqual(Float32Array.of(3));
    expect(toFloat32(ndarray(BigInt64Array.of(-2n)))).toEqual(Float32Array.of(-2));
    expect(toFloat32(ndarray(Int8Array.of(-2)))).toEqual(Float32Array.of(-2));
    expect(toFloat32(ndarray(Uint8Array.of(1), [1], 'bool'))).toEqual(Float32Array.of(1));
  });
});

describe('transpose', () => {
  const shapes = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 5 });
  const dtypes = fc.constantFrom<DType>(
    'float32',
    'float64',
    'uint8',
    'int16',
    'uint16',
    'int32',
    'int64',
    'bool',
  );
  const cases = shapes.chain((shape) =>
    fc.record({
      shape: fc.constant(shape),
      dtype: dtypes,
      perm: fc.shuffledSubarray(
        shape.map((_, i) => i),
        { minLength: shape.length },
      ),
    }),
  );

  it('moves every element to its place', () => {
    fc.assert(
      fc.property(cases, ({ shape, dtype, perm }) => {
        const size = sizeOf(shape);
        const bytes = Uint8Array.from({ length: size * itemSize(dtype) }, (_, i) =>
          dtype === 'bool' ? i % 2 : i + 1,
        );
        const x = { dtype, shape, data: elementsFrom(bytes, 0, size, dtype) };
        const y = transpose(x, perm);
        expect(y.shape).toEqual(perm.map((p) => shape[p]));
        const strides = (of: readonly number[]) =>
          of.map((_, i) => of.slice(i + 1).reduce((a, b) => a * b, 1));
        for (let flat = 0; flat < size; flat++) {
          const index = strides(y.shape).map((s, i) => Math.floor(flat / s) % y.shape[i]!);
          const from = index.reduce((sum, at, i) => sum + at * strides(shape)[perm[i]!]!, 0);
          expect(y.data[flat]).toBe(x.data[from]);
        }
        const back = perm.map((_, i) => perm.indexOf(i));
        expect(transpose(y, back)).toEqual(x);
      }),
      { numRuns: 150 },
    );
  });

  it('keeps the payload of a NaN', () => {
    const data = new BigUint64Array([0x7ff8000000000123n, 0x7ff4000000000001n]);
    const y = transpose(ndarray(new Float64Array(data.buffer), [1, 2]), [1, 0]);
    expect(new BigUint64Array(y.data.buffer)).toEqual(data);
  });

  it('refuses what is no permutation', () => {
    const x = ndarray(new Uint8Array(6), [2, 3]);
    for (const perm of [[0], [0, 0], [0, 2], [0, -1], [0, 0.5], [0, 1, 2]]) {
      expect(() => transpose(x, perm)).toThrow('is no permutation of the 2 axes of [2, 3]');
    }
  });
});

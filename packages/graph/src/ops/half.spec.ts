import { float16ToFloat32 } from '@bidl/formats';
import fc from 'fast-check';
import { halfBits, isExactHalf, roundToHalf, toHalfBits } from './half.js';

it('gives every half back', () => {
  const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const values = float16ToFloat32(bits);
  const back = toHalfBits(values);
  const wrong = [...bits].filter((b, i) =>
    Number.isNaN(values[i]) ? (back[i] & 0x7fff) !== 0x7e00 : back[i] !== b,
  );
  expect(wrong).toEqual([]);
});

it.each([
  [65519, 0x7bff],
  [65520, 0x7c00],
  [1e9, 0x7c00],
  [-Infinity, 0xfc00],
  [NaN, 0x7e00],
  [2 ** -25, 0],
  [2 ** -25 * 1.0001, 1],
  [3 * 2 ** -25, 2],
  [2 ** -14 - 2 ** -26, 0x0400],
  [-0, 0x8000],
  [1 + 2 ** -11, 0x3c00],
  [1 + 3 * 2 ** -11, 0x3c02],
])('rounds %p to even: bits %p', (value, bits) => {
  expect(halfBits(value)).toBe(bits);
});

it('takes the nearest half, whichever the number', () => {
  fc.assert(
    fc.property(fc.float({ noNaN: true, min: -65504, max: 65504 }), (value) => {
      const bits = halfBits(value);
      const [got, before, after] = float16ToFloat32(Uint16Array.of(bits, Math.max(bits - 1, 0), bits + 1));
      expect(Math.abs(got - value)).toBeLessThanOrEqual(Math.abs(after - value));
      if ((bits & 0x7fff) > 0) expect(Math.abs(got - value)).toBeLessThanOrEqual(Math.abs(before - value));
      expect(isExactHalf(Float32Array.of(value))).toBe(Object.is(got, Math.fround(value)));
      expect(roundToHalf([value])[0]).toBe(got);
    }),
    { numRuns: 500 },
  );
});

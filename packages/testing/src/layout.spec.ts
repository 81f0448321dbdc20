import { ndarray } from '@bidl/formats';
import { channelsFirst, channelsLast, oihwToHwio, oiToIo } from './layout.js';

const counted = (shape: number[]) => {
  const size = shape.reduce((a, b) => a * b, 1);
  return ndarray(
    Float32Array.from({ length: size }, (_, i) => i),
    shape,
  );
};

describe('layouts', () => {
  it.each([[[2, 3, 4]], [[5, 2, 3, 4]], [[2, 5, 2, 3, 4]]])(
    'channelsLast turns %p and channelsFirst turns it back',
    (shape) => {
      const x = counted(shape);
      const y = channelsLast(x);
      expect(y.shape).toEqual([...shape.slice(0, -3), 3, 4, 2]);
      expect(y.data[1]).toBe(12); // next channel
      expect(channelsFirst(y)).toEqual(x);
    },
  );

  it('turns weights', () => {
    expect(oihwToHwio(counted([7, 6, 3, 2])).shape).toEqual([3, 2, 6, 7]);
    expect(oihwToHwio(counted([7, 6, 3, 2])).data[1]).toBe(36); // next output
    expect(oiToIo(counted([2, 3])).data).toEqual(new Float32Array([0, 3, 1, 4, 2, 5]));
  });

  it('refuses what is no image', () => {
    expect(() => channelsLast(counted([2, 3]))).toThrow('at least three axes');
  });
});

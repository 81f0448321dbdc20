import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { startEngine } from '../backend/start.js';
import { maxPool } from './max-pool.js';

type Pair = readonly [number, number];

/** Max-pooling in plain loops, and its gradient: the first maximum of a window takes it. */
function expected(
  x: Float32Array,
  dy: Float32Array,
  [n, h, w, c]: readonly number[],
  [rows, columns]: Pair,
  size: Pair,
  stride: Pair,
  padding: Pair,
): { y: number[]; dx: number[] } {
  const y: number[] = [];
  const dx = new Float32Array(x.length);
  for (let i = 0; i < n; i++) {
    for (let r = 0; r < rows; r++) {
      for (let k = 0; k < columns; k++) {
        for (let ch = 0; ch < c; ch++) {
          const window = Array.from(
            { length: size[0] * size[1] },
            (_, at) =>
              [
                r * stride[0] - padding[0] + Math.floor(at / size[1]),
                k * stride[1] - padding[1] + (at % size[1]),
              ] as const,
          )
            .filter(([row, column]) => row >= 0 && row < h && column >= 0 && column < w)
            .map(([row, column]) => ((i * h + row) * w + column) * c + ch);
          const best = window.reduce((a, b) => (x[b] > x[a] ? b : a));
          dx[best] += dy[y.length];
          y.push(x[best]);
        }
      }
    }
  }
  return { y, dx: Array.from(dx) };
}

const side = fc.tuple(
  fc.integer({ min: 1, max: 9 }),
  fc.constantFrom([2, 2, 0], [3, 2, 1], [3, 2, 0], [3, 1, 1], [2, 3, 1], [1, 1, 0]),
);

test('max-pooling gives the first maximum of a window all of the gradient', async () => {
  const { fused } = await startEngine({ backend: 'tensorflow' });
  expect(fused).toBe(true);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 3 }),
      fc.tuple(side, side).filter((sides) => sides.every(([n, [k, , p]]) => n + 2 * p >= k)),
      fc.constantFrom(1, 3, 8, 16, 21, 32),
      fc.integer({ min: 0, max: 1 << 30 }),
      fc.boolean(),
      (n, [[h, down], [w, across]], c, seed, spikes) => {
        const [size, stride, padding] = [0, 1, 2].map((i) => [down[i], across[i]] as const);
        const dims: [number, number, number, number] = [n, h, w, c];
        tf.tidy(() => {
          const noise = tf.randomNormal(dims, 0, 1, 'float32', seed);
          const x = spikes ? tf.cast(tf.less(noise, -0.3), 'float32') : noise;
          const pool = (given: tf.Tensor) => maxPool(given as tf.Tensor4D, size, stride, padding);
          const y = pool(x);
          const [, rows, columns] = y.shape;
          const dy = tf.randomNormal(y.shape, 0, 1, 'float32', seed + 1);
          const want = expected(
            x.dataSync() as Float32Array,
            dy.dataSync() as Float32Array,
            dims,
            [rows, columns],
            size,
            stride,
            padding,
          );
          expect(Array.from(y.dataSync())).toEqual(want.y);
          expect(Array.from(tf.grad(pool)(x, dy).dataSync())).toEqual(want.dx);
        });
      },
    ),
    { numRuns: 120, seed: 3 },
  );
});

test.each(['valid', 'same'] as const)('is TensorFlow.js’s own with padding "%s"', async (pad) => {
  const given: [number, number, number, number] = [2, 7, 8, 5];
  const noise = tf.randomNormal(given, 0, 1, 'float32', 4).dataSync();
  const compute = () =>
    tf.tidy(() => {
      const x = tf.tensor4d(noise, given);
      const pool = (images: tf.Tensor) => tf.maxPool(images as tf.Tensor4D, [3, 2], [2, 3], pad);
      const y = pool(x);
      return [y, tf.grad(pool)(x, tf.square(y))].map((t) => Array.from(t.dataSync()));
    });
  await startEngine({ backend: 'tensorflow' });
  const [y, dx] = compute();
  await startEngine({ backend: 'cpu' });
  const [wantY, wantDx] = compute();
  expect(y).toEqual(wantY);
  dx.forEach((slope, i) => expect(slope).toBeCloseTo(wantDx[i], 5));
});

test('a padding is the same without the op library’s kernels', async () => {
  await startEngine({ backend: 'cpu' });
  const x = tf.tensor4d([-3, -1, -2, -4], [1, 2, 2, 1]);
  expect(Array.from(maxPool(x, [3, 3], [2, 2], [1, 1]).dataSync())).toEqual([-1]);
});

import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { startEngine } from '../backend/start.js';

beforeAll(async () => {
  expect((await startEngine({ backend: 'tensorflow' })).fused).toBe(true);
});

/** a [m, k] · b [k, n] in plain loops and float64. */
function product(a: ArrayLike<number>, b: ArrayLike<number>, m: number, k: number, n: number): Float64Array {
  const y = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let p = 0; p < k; p++) {
      for (let j = 0; j < n; j++) y[i * n + j] += a[i * k + p] * b[p * n + j];
    }
  }
  return y;
}

/** The largest difference, in units of the largest number. */
function distance(got: ArrayLike<number>, want: Float64Array): number {
  const largest = want.reduce((a, b) => Math.max(a, Math.abs(b)), 1e-30);
  return want.reduce((worst, value, i) => Math.max(worst, Math.abs(value - got[i])), 0) / largest;
}

test('products and their gradients are the plain loops, whatever the shape and the density', () => {
  const shape = fc.tuple(
    fc.integer({ min: 1, max: 700 }),
    fc.constantFrom(70, 128, 336, 331),
    fc.constantFrom(16, 24, 40, 128, 200),
  );
  const input = fc.constantFrom<[number, boolean]>(
    [0.05, true],
    [0.3, true],
    [0.2, false],
    [0.9, false],
    [0, true],
  );
  /** Share of the output that passes its gradient on, as behind a rectifier. */
  const open = fc.constantFrom(1, 0.1);
  fc.assert(
    fc.property(
      shape,
      input,
      open,
      fc.integer({ min: 0, max: 1 << 30 }),
      ([m, k, n], [share, spikes], passing, seed) => {
        tf.tidy(() => {
          const kept = tf.cast(tf.less(tf.randomUniform([m, k], 0, 1, 'float32', seed), share), 'float32');
          const a = (
            spikes ? kept : tf.mul(kept, tf.randomNormal([m, k], 0, 1, 'float32', seed + 1))
          ) as tf.Tensor2D;
          const b = tf.randomNormal([k, n], 0, 1, 'float32', seed + 2) as tf.Tensor2D;
          const passed = tf.cast(
            tf.less(tf.randomUniform([m, n], 0, 1, 'float32', seed + 4), passing),
            'float32',
          );
          const dy = tf.mul(passed, tf.randomNormal([m, n], 0, 1, 'float32', seed + 3)) as tf.Tensor2D;
          const multiply = (x: tf.Tensor, w: tf.Tensor) => tf.matMul(x, w);
          const [da, db] = tf.grads(multiply)([a, b], dy);
          const numbers = (t: tf.Tensor) => t.dataSync();
          const want = product(numbers(a), numbers(b), m, k, n);
          expect(distance(numbers(multiply(a, b)), want)).toBeLessThan(2e-6);
          const wantA = product(numbers(dy), numbers(tf.transpose(b)), m, n, k);
          expect(distance(numbers(da), wantA)).toBeLessThan(2e-6);
          const wantB = product(numbers(tf.transpose(a)), numbers(dy), k, m, n);
          expect(distance(numbers(db), wantB)).toBeLessThan(2e-6);
        });
      },
    ),
    { numRuns: 40, seed: 7 },
  );
});

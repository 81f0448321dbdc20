import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { startEngine } from '../backend/start.js';
import type { TensorFlowBackend } from '../backend/tensorflow-binding.js';

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

test.each([
  [false, 'BidlLookupMatMul'],
  [true, 'BidlLookupMatMulLeftTransposed'],
])(
  'a left side that holds another value than 0 and 1 after all is taken for what it is; transposed: %s',
  (turned, op) => {
    const [m, k, n] = [96, 64, 40];
    const backend = tf.backend() as unknown as TensorFlowBackend;
    tf.tidy(() => {
      const a = tf.buffer([m, k]);
      a.values.forEach((_, i) => (a.values[i] = i % 3 === 0 ? 1 : 0));
      const b = tf.randomNormal([k, n], 0, 1, 'float32', 2);
      for (const other of [1, -0.5]) {
        a.values[m * k - 7] = other;
        const left = turned ? tf.transpose(a.toTensor()) : a.toTensor();
        const got = backend.executeSingleOutput(op, [], [left, b]).dataSync();
        expect(distance(got, product(a.values, b.dataSync(), m, k, n))).toBeLessThan(2e-6);
      }
    });
  },
);

test('dense products of any shape are the plain loops, either side transposed', () => {
  const side = (most: number) => fc.integer({ min: 1, max: most });
  const shape = fc.tuple(side(230), side(1100), fc.constantFrom(16, 32, 48, 80, 208));
  const backend = tf.backend() as unknown as TensorFlowBackend;
  fc.assert(
    fc.property(shape, fc.nat(1 << 30), ([m, k, n], seed) => {
      tf.tidy(() => {
        const a = tf.randomNormal([m, k], 0, 1, 'float32', seed) as tf.Tensor2D;
        const b = tf.randomNormal([k, n], 0, 1, 'float32', seed + 1) as tf.Tensor2D;
        const want = product(a.dataSync(), b.dataSync(), m, k, n);
        for (const [op, left, right] of [
          ['BidlDenseMatMul', a, b],
          ['BidlDenseMatMulLeftTransposed', tf.transpose(a), b],
          ['BidlDenseMatMulRightTransposed', a, tf.transpose(b)],
        ] as const) {
          const y = backend.executeSingleOutput(op, [], [left, right]) as tf.Tensor;
          expect(distance(y.dataSync(), want)).toBeLessThan(2e-6);
        }
      });
    }),
    { numRuns: 30, seed: 11 },
  );
});

test.each([
  [70, 2100, 4096],
  [2048, 2112, 2064], // by seven products of quarters, all three
])('large products [%i, %i] x %i and their gradients are those of float64', (m, k, n) => {
  tf.tidy(() => {
    const [a, b, dy] = [
      tf.randomNormal([m, k], 0, 1, 'float32', 1),
      tf.randomNormal([k, n], 0, 1, 'float32', 2),
      tf.randomNormal([m, n], 0, 1, 'float32', 3),
    ];
    const [da, db] = tf.grads((x: tf.Tensor, w: tf.Tensor) => tf.matMul(x, w))([a, b], dy);
    const y = tf.matMul(a, b);
    const [A, B, D, Y, DA, DB] = [a, b, dy, y, da, db].map((t) => t.dataSync());
    const sum = (count: number, term: (i: number) => number) =>
      Array.from({ length: count }, (_, i) => term(i)).reduce((total, value) => total + value, 0);
    const draw = fc.tuple(fc.nat(m - 1), fc.nat(k - 1), fc.nat(n - 1));
    for (const [i, p, j] of fc.sample(draw, { numRuns: 200, seed: 9 })) {
      /** Within 1e-5 of what such a sum is usually as large as. */
      const near = (got: ArrayLike<number>, place: number, want: number, size: number) =>
        expect(Math.abs(got[place] - want)).toBeLessThan(1e-5 * size);
      near(
        Y,
        i * n + j,
        sum(k, (q) => A[i * k + q] * B[q * n + j]),
        Math.sqrt(k),
      );
      near(
        DA,
        i * k + p,
        sum(n, (q) => D[i * n + q] * B[p * n + q]),
        Math.sqrt(n),
      );
      near(
        DB,
        p * n + j,
        sum(m, (q) => A[q * k + p] * D[q * n + j]),
        Math.sqrt(m),
      );
    }
  });
});

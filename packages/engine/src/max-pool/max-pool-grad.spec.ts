import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { startEngine } from '../backend/start.js';

/** Gradient of 2x2/2 max-pooling in plain loops: the first maximum of a window takes it. */
function expected(x: Float32Array, dy: Float32Array, [n, h, w, c]: readonly number[]): Float32Array {
  const dx = new Float32Array(x.length);
  const [rows, columns] = [Math.floor(h / 2), Math.floor(w / 2)];
  for (let i = 0; i < n; i++) {
    for (let r = 0; r < rows; r++) {
      for (let k = 0; k < columns; k++) {
        for (let ch = 0; ch < c; ch++) {
          const at = (dr: number, dk: number) => ((i * h + 2 * r + dr) * w + 2 * k + dk) * c + ch;
          const window = [at(0, 0), at(0, 1), at(1, 0), at(1, 1)];
          const best = window.reduce((a, b) => (x[b] > x[a] ? b : a));
          dx[best] += dy[((i * rows + r) * columns + k) * c + ch];
        }
      }
    }
  }
  return dx;
}

test('the fast gradient of 2x2 max-pooling gives the first maximum all of it', async () => {
  const { fused } = await startEngine({ backend: 'tensorflow' });
  expect(fused).toBe(true);
  const shape = fc.tuple(
    fc.integer({ min: 1, max: 3 }),
    fc.integer({ min: 2, max: 9 }),
    fc.integer({ min: 2, max: 9 }),
    fc.constantFrom(1, 3, 8, 16, 21, 32),
  );
  fc.assert(
    fc.property(shape, fc.integer({ min: 0, max: 1 << 30 }), fc.boolean(), (dims, seed, spikes) => {
      const [n, h, w, c] = dims;
      const pooled: [number, number, number, number] = [n, Math.floor(h / 2), Math.floor(w / 2), c];
      tf.tidy(() => {
        const noise = tf.randomUniform(dims, 0, 1, 'float32', seed) as tf.Tensor4D;
        const x = spikes ? (tf.cast(tf.less(noise, 0.4), 'float32') as tf.Tensor4D) : noise;
        const dy = tf.randomNormal(pooled, 0, 1, 'float32', seed + 1);
        const dx = tf.grad((v) => tf.maxPool(v as tf.Tensor4D, 2, 2, 'valid'))(x, dy);
        const want = expected(x.dataSync() as Float32Array, dy.dataSync() as Float32Array, dims);
        expect(Array.from(dx.dataSync())).toEqual(Array.from(want));
      });
    }),
    { numRuns: 60, seed: 3 },
  );
});

test('other poolings still go to TensorFlow', async () => {
  await startEngine({ backend: 'tensorflow' });
  const [x, dy] = [tf.randomNormal([1, 7, 7, 3]) as tf.Tensor4D, tf.ones([1, 3, 3, 3])];
  const dx = tf.grad((v) => tf.maxPool(v as tf.Tensor4D, 3, 2, 'valid'))(x, dy);
  expect(tf.sum(dx).dataSync()[0]).toBeCloseTo(27, 5);
});

import { lif, rectangle } from '@bidl/dynamics';
import { expectClose } from '@bidl/testing';
import * as tf from '@tensorflow/tfjs';
import { startEngine } from '../backend/start.js';
import { neuronScan } from './scan.js';
import type { ScanForm } from './types.js';

beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
});

const surrogate = rectangle();
// Shows the membrane after the reset, and so the noise.
const neuron = lif({ mode: 'analog', membMode: [2, null] });

function run(shape: number[], norm: boolean, form: ScanForm, noise: number, seed = 5) {
  return tf.tidy(() => {
    const channels = shape.at(-1) ?? 1;
    const x = tf.randomNormal(shape, 0.3, 0.6, 'float32', 9);
    const per = (k: number) => tf.randomUniform([channels], 0.5, 1, 'float32', k);
    const norms = {
      gamma: per(2),
      beta: per(3),
      mean: per(4),
      variance: per(5),
      epsilon: 1e-5,
      momentum: 0.1,
    };
    const scan = (v: tf.Tensor) =>
      neuronScan(neuron, {
        x: v,
        params: { alpha: tf.scalar(0.4), beta: tf.scalar(0), theta: tf.scalar(0.8), v0: tf.scalar(0) },
        ...(norm && { norm: norms }),
        surrogate,
        training: true,
        noise,
        seed,
        form,
      });
    const { out } = scan(x);
    const dx = tf.grad((v: tf.Tensor) => scan(v).out)(x, tf.randomUniform(shape, -1, 1, 'float32', 11));
    return { out: out.dataSync(), dx: dx.dataSync() };
  });
}

const shapes: [string, number[]][] = [
  ['images: spread over the pixels of each sample and channel', [3, 4, 9, 7, 5]],
  ['vectors: spread over the whole step', [4, 5, 37]],
  ['images larger than a strip', [2, 3, 30, 30, 4]],
];

describe.each([false, true])('training noise (with norm: %p)', (norm) => {
  test.each(shapes)('%s: fused and composed draw the same', (_, shape) => {
    const fused = run(shape, norm, 'fused', 0.05);
    const composed = run(shape, norm, 'composed', 0.05);
    const without = run(shape, norm, 'fused', 0);
    const apart = (a: ArrayLike<number>, b: ArrayLike<number>) =>
      Array.from(a, (v, i) => Math.abs(v - b[i])).sort((p, q) => p - q);
    // Rounding may move a membrane over its threshold in one of them, and its successors with it.
    const differences = apart(fused.out, composed.out);
    expect(differences[Math.floor(0.995 * differences.length)]).toBeLessThan(2e-5);
    const slopes = apart(fused.dx, composed.dx);
    expect(slopes[Math.floor(0.98 * slopes.length)]).toBeLessThan(1e-4);
    const effect = apart(fused.out, without.out);
    expect(effect[effect.length >> 1]).toBeGreaterThan(2e-3);
  });

  test('is a function of its seed', () => {
    const [first, again, other] = [1, 1, 2].map((seed) => run([2, 3, 40], norm, 'fused', 0.05, seed));
    expectClose(again.out, first.out, { atol: 0, rtol: 0 });
    expect(Array.from(other.out)).not.toEqual(Array.from(first.out));
  });
});

test('the noise has the spread that was asked for', () => {
  // One step from rest with a threshold nobody reaches: out is x plus the noise.
  tf.tidy(() => {
    const shape = [2, 1, 50, 50, 3];
    const x = tf.mul(tf.randomNormal(shape, 0, 1, 'float32', 3), tf.tensor1d([1, 2, 3]));
    const { out } = neuronScan(neuron, {
      x,
      params: { alpha: tf.scalar(0), beta: tf.scalar(0), theta: tf.scalar(1e3), v0: tf.scalar(0) },
      surrogate,
      training: true,
      noise: 0.1,
      seed: 8,
      form: 'fused',
    });
    const deviation = (t: tf.Tensor) => tf.sqrt(tf.moments(t, [1, 2, 3]).variance).dataSync();
    const ratio = tf.div(tf.tensor(deviation(tf.sub(out, x))), tf.tensor(deviation(x))).dataSync();
    expectClose(ratio, new Array<number>(6).fill(0.1), { atol: 0.005, rtol: 0 });
  });
});

import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { startEngine } from '../backend/start.js';

interface Conv {
  readonly images: number;
  readonly size: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: number;
  readonly stride: number;
  readonly pad: 'same' | 'valid' | number;
}
type Shape4 = [number, number, number, number];

/** Output and gradients in plain loops and float64. `before` rows and columns of zeros stand before the image. */
function expected(
  c: Conv,
  before: number,
  x: ArrayLike<number>,
  w: ArrayLike<number>,
  dy: ArrayLike<number>,
) {
  const { images, size, inputs, outputs, kernel, stride } = c;
  const out = Math.sqrt(dy.length / images / outputs);
  const y = new Float64Array(dy.length);
  const dx = new Float64Array(x.length);
  const dw = new Float64Array(w.length);
  for (let n = 0; n < images; n++) {
    for (let at = 0; at < out * out; at++) {
      const to = (n * out * out + at) * outputs;
      for (let tap = 0; tap < kernel * kernel; tap++) {
        const iy = Math.floor(at / out) * stride - before + Math.floor(tap / kernel);
        const ix = (at % out) * stride - before + (tap % kernel);
        if (iy < 0 || ix < 0 || iy >= size || ix >= size) continue;
        const from = ((n * size + iy) * size + ix) * inputs;
        for (let i = 0; i < inputs; i++) {
          const row = (tap * inputs + i) * outputs;
          for (let o = 0; o < outputs; o++) {
            y[to + o] += x[from + i] * w[row + o];
            dx[from + i] += dy[to + o] * w[row + o];
            dw[row + o] += x[from + i] * dy[to + o];
          }
        }
      }
    }
  }
  return { y, dx, dw };
}

/** Padding as tfjs-node takes it: a name, or the rows and columns around every axis. */
const explicit = (pad: Conv['pad']): 'same' | 'valid' | [Pair, Pair, Pair, Pair] =>
  typeof pad === 'number'
    ? [
        [0, 0],
        [pad, pad],
        [pad, pad],
        [0, 0],
      ]
    : pad;
type Pair = [number, number];

/** The largest difference, in units of the largest number. */
function distance(got: ArrayLike<number>, want: Float64Array): number {
  const largest = want.reduce((a, b) => Math.max(a, Math.abs(b)), 1e-30);
  return want.reduce((worst, value, i) => Math.max(worst, Math.abs(value - got[i])), 0) / largest;
}

beforeAll(async () => {
  expect((await startEngine({ backend: 'tensorflow' })).fused).toBe(true);
});

test('outputs and gradients are the plain loops, whatever the shape and the density', () => {
  const large = fc.record({
    images: fc.integer({ min: 1, max: 3 }),
    size: fc.integer({ min: 11, max: 15 }),
    inputs: fc.constantFrom(2, 5, 16, 24, 32),
    outputs: fc.constantFrom(16, 24, 32, 80),
    kernel: fc.constantFrom(1, 3, 3, 5, 7),
    stride: fc.constantFrom(1, 1, 2),
    pad: fc.constantFrom<Conv['pad']>('same', 'valid', 1, 2, 3),
  });
  // many channels, so few pixels that tiles of several images go together
  const wide = fc.record({
    images: fc.integer({ min: 1, max: 5 }),
    size: fc.integer({ min: 2, max: 5 }),
    inputs: fc.constantFrom(136, 160),
    outputs: fc.constantFrom(128, 192),
    kernel: fc.constant(3),
    stride: fc.constantFrom(1, 2),
    pad: fc.constantFrom<Conv['pad']>('same', 1),
  });
  // so many small images that all go together
  const small = fc.record({
    images: fc.integer({ min: 12, max: 14 }),
    size: fc.integer({ min: 2, max: 5 }),
    inputs: fc.constantFrom(16, 48, 144),
    outputs: fc.constantFrom(16, 80),
    kernel: fc.constantFrom(1, 2, 3),
    stride: fc.constantFrom(1, 2, 3),
    pad: fc.constantFrom<Conv['pad']>('same', 'valid', 1, 2),
  });
  // so many pixels that tables of sums pay
  const many = fc.record({
    images: fc.integer({ min: 16, max: 20 }),
    size: fc.integer({ min: 12, max: 15 }),
    inputs: fc.constantFrom(16, 32, 48),
    outputs: fc.constantFrom(16, 48, 80),
    kernel: fc.constant(3),
    stride: fc.constantFrom(1, 1, 2),
    pad: fc.constantFrom<Conv['pad']>('same', 'valid', 1, 2),
  });
  // so many channels of small images that tables of their gradients pay
  const deep = fc.record({
    images: fc.integer({ min: 24, max: 70 }),
    size: fc.integer({ min: 2, max: 4 }),
    inputs: fc.constantFrom(128, 144),
    outputs: fc.constantFrom(16, 48),
    kernel: fc.constant(3),
    stride: fc.constantFrom(1, 1, 2),
    pad: fc.constantFrom<Conv['pad']>('same', 1, 2),
  });
  const conv = fc.oneof(
    { arbitrary: large, weight: 3 },
    { arbitrary: wide, weight: 1 },
    { arbitrary: small, weight: 2 },
    { arbitrary: many, weight: 1 },
    { arbitrary: deep, weight: 1 },
  );
  const input = fc.constantFrom<[number, boolean]>(
    [0.01, false],
    [0.05, true],
    [0.2, true],
    [0.5, true],
    [0.2, false],
    [0.9, false],
    [0, true],
  );
  fc.assert(
    fc.property(conv, input, fc.integer({ min: 0, max: 1 << 30 }), (c, [share, spikes], seed) => {
      const { images, size, inputs, outputs, kernel, stride, pad } = c;
      const around = typeof pad === 'number' ? pad : 0;
      fc.pre(around < kernel && (pad === 'same' || kernel <= size + 2 * around));
      tf.tidy(() => {
        const xShape: Shape4 = [images, size, size, inputs];
        const kept = tf.cast(tf.less(tf.randomUniform(xShape, 0, 1, 'float32', seed), share), 'float32');
        const x = (
          spikes ? kept : tf.mul(kept, tf.randomNormal(xShape, 0, 1, 'float32', seed + 1))
        ) as tf.Tensor4D;
        const w = tf.randomNormal(
          [kernel, kernel, inputs, outputs],
          0,
          1,
          'float32',
          seed + 2,
        ) as tf.Tensor4D;
        const run = (a: tf.Tensor, b: tf.Tensor) =>
          tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, stride, explicit(pad));
        const y = run(x, w);
        const dy = tf.randomNormal(y.shape, 0, 1, 'float32', seed + 3);
        const [dx, dw] = tf.grads(run)([x, w], dy);
        const { padInfo } = tf.backend_util.computeConv2DInfo(xShape, w.shape, stride, 1, explicit(pad));
        const want = expected(c, padInfo.top, x.dataSync(), w.dataSync(), dy.dataSync());
        expect(distance(y.dataSync(), want.y)).toBeLessThan(2e-6);
        expect(distance(dx.dataSync(), want.dx)).toBeLessThan(2e-6);
        expect(distance(dw.dataSync(), want.dw)).toBeLessThan(2e-6);
      });
    }),
    { numRuns: 70, seed: 5 },
  );
});

test.each([
  [12, 16],
  [4, 128],
])(
  '%i rows and columns of %i channels of spikes that hold another value after all are taken for what they are',
  (size, inputs) => {
    const c: Conv = { images: 24, size, inputs, outputs: 16, kernel: 3, stride: 1, pad: 'same' };
    tf.tidy(() => {
      const x = tf.buffer([c.images, size, size, inputs]);
      x.values.forEach((_, i) => (x.values[i] = i % 3 === 0 ? 1 : 0));
      const w = tf.randomNormal([3, 3, inputs, c.outputs], 0, 1, 'float32', 2) as tf.Tensor4D;
      const dy = tf.randomNormal([c.images, size, size, c.outputs], 0, 1, 'float32', 3) as tf.Tensor4D;
      const run = (a: tf.Tensor, b: tf.Tensor) => tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, 1, 'same');
      for (const place of [0, 5011, x.size - 1]) {
        const before = x.values[place];
        x.values[place] = before + 1.5;
        const [dw] = tf.grads((b: tf.Tensor) => run(x.toTensor(), b))([w], dy);
        const want = expected(c, 1, x.values, w.dataSync(), dy.dataSync());
        expect(distance(run(x.toTensor(), w).dataSync(), want.y)).toBeLessThan(2e-6);
        expect(distance(dw.dataSync(), want.dw)).toBeLessThan(2e-6);
        x.values[place] = before;
      }
    });
  },
);

import { lif, rectangle } from '@bidl/dynamics';
import { expectClose } from '@bidl/testing';
import * as tf from '@tensorflow/tfjs';
import { startEngine } from '../backend/start.js';
import { convScan } from './conv-scan.js';
import { neuronScan } from './scan.js';
import type { ScanArgs, ScanResult } from './types.js';

beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
});

const spike = lif();
const analog = lif({ mode: 'analog', membMode: [2, 'tanh'] });

interface Case {
  readonly neuron?: typeof spike;
  /** `[B, T, H, W, C]` */
  readonly shape: [number, number, number, number, number];
  readonly outputs: number;
  readonly kernel?: number;
  readonly stride?: number;
  /** Share of ones in x; without it x is dense. */
  readonly active?: number;
  readonly norm?: 'batch' | 'running';
  readonly noise?: number;
  readonly pool?: boolean;
}

/** Output, final state, running statistics and gradients of both ways to compute a layer. */
function both(c: Case) {
  const { neuron = spike, shape, outputs, kernel = 3, stride = 1, active, norm, noise = 0, pool = false } = c;
  const random = (size: number[], seed: number, from = 0, to = 1) =>
    tf.randomUniform(size, from, to, 'float32', seed);
  const around = (kernel - 1) / 2;
  const uniform = random(shape, 1);
  const x = (active === undefined ? uniform : tf.cast(tf.less(uniform, active), 'float32')) as tf.Tensor5D;
  const weights = random([kernel, kernel, shape[4], outputs], 2, -0.5, 0.5) as tf.Tensor4D;
  const perChannel = (seed: number) => random([outputs], seed, 0.2, 0.4);
  const args: Omit<ScanArgs, 'x'> = {
    bias: perChannel(3),
    params: { alpha: tf.scalar(0.4), beta: tf.scalar(0.01), theta: perChannel(4), v0: tf.scalar(0.05) },
    ...(norm && {
      norm: {
        gamma: perChannel(5),
        beta: perChannel(6),
        mean: perChannel(7),
        variance: perChannel(8),
        epsilon: 1e-5,
        momentum: 0.1,
      },
    }),
    surrogate: rectangle(),
    training: norm !== 'running',
    noise,
    seed: 77,
    pool,
    form: 'fused',
  };
  const together = (v: tf.Tensor, w: tf.Tensor): ScanResult | undefined =>
    convScan(neuron, {
      ...args,
      x: v as tf.Tensor5D,
      kernel: w as tf.Tensor4D,
      stride: [stride, stride],
      padding: [around, around],
    });
  const apart = (v: tf.Tensor, w: tf.Tensor): ScanResult => {
    const [batch, steps, height, width, channels] = shape;
    const images = tf.reshape<tf.Rank.R4>(v, [batch * steps, height, width, channels]);
    const y = tf.conv2d(images, w as tf.Tensor4D, stride, around);
    return neuronScan(neuron, { ...args, x: tf.reshape(y, [...shape.slice(0, 2), ...y.shape.slice(1)]) });
  };
  const all = (run: (v: tf.Tensor, w: tf.Tensor) => ScanResult) => {
    const { out, state, running } = run(x, weights);
    const dy = random(out.shape, 9, -1, 1);
    const grads = tf.grads((v: tf.Tensor, w: tf.Tensor) => run(v, w).out)([x, weights], dy);
    const values = { out, ...state, ...running, dx: grads[0], dw: grads[1] };
    return Object.fromEntries(
      Object.entries(values).map(([key, t]) => [key, { shape: t.shape, data: t.dataSync() }]),
    );
  };
  const slopes = () => tf.grads((v: tf.Tensor, w: tf.Tensor) => together(v, w)?.out ?? v)([x, weights]);
  return { together, apart, x, weights, all, slopes };
}

test.each<[string, Case]>([
  ['sparse spikes', { shape: [2, 4, 9, 10, 16], outputs: 32, active: 0.05 }],
  [
    'sparse spikes, running statistics',
    { shape: [2, 4, 9, 10, 16], outputs: 32, active: 0.05, norm: 'running' },
  ],
  ['sparse spikes, batch statistics', { shape: [2, 4, 9, 10, 16], outputs: 32, active: 0.05, norm: 'batch' }],
  [
    'sparse spikes, pooled',
    { shape: [4, 5, 20, 18, 2], outputs: 64, active: 0.05, norm: 'batch', pool: true },
  ],
  [
    'sparse spikes, 5x5, stride 2',
    { shape: [2, 3, 16, 16, 16], outputs: 32, kernel: 5, stride: 2, active: 0.03 },
  ],
  ['sparse spikes, 1x1', { shape: [2, 4, 16, 16, 64], outputs: 32, kernel: 1, active: 0.03 }],
  ['sparse spikes, noise', { shape: [2, 3, 8, 8, 16], outputs: 32, active: 0.05, norm: 'batch', noise: 0.1 }],
  ['dense input', { shape: [3, 4, 12, 12, 32], outputs: 64, norm: 'batch' }],
  ['dense input, pooled', { shape: [3, 4, 11, 13, 32], outputs: 64, norm: 'running', pool: true }],
  ['analog neurons', { neuron: analog, shape: [3, 4, 12, 12, 32], outputs: 64, norm: 'batch', pool: true }],
])('it is the convolution and then the scan: %s', (_, given) => {
  tf.tidy(() => {
    const { together, apart, all } = both(given);
    const got = all((v, w) => {
      const made = together(v, w);
      if (!made) throw new Error('computed apart');
      return made;
    });
    for (const [key, { shape, data }] of Object.entries(all(apart))) {
      expect(got[key].shape).toEqual(shape);
      // The same rows in another order of strips: batch statistics, and so everything behind them, by rounding.
      const tolerance = given.norm === 'batch' ? { atol: 1e-4, rtol: 1e-4 } : { atol: 2e-5, rtol: 1e-5 };
      expectClose(got[key].data, data, tolerance, key);
    }
  });
});

test('composed form, and convolutions that a dense library computes best, are computed apart', () => {
  tf.tidy(() => {
    const { together } = both({ shape: [1, 2, 6, 6, 3], outputs: 5, kernel: 5 });
    const { x, weights } = both({ shape: [1, 2, 6, 6, 3], outputs: 5, kernel: 5 });
    expect(together(x, weights)).toBeUndefined();
    const { x: sparse, weights: kernel } = both({ shape: [1, 2, 8, 8, 16], outputs: 32, active: 0.05 });
    const args = { surrogate: rectangle(), params: {}, stride: [1, 1], padding: [1, 1] } as const;
    expect(
      convScan(spike, { ...args, x: sparse, kernel, training: false, form: 'composed' }),
    ).toBeUndefined();
  });
});

test('nothing is left behind', () => {
  const held = tf.memory();
  tf.tidy(() => void both({ shape: [3, 4, 12, 12, 32], outputs: 64, norm: 'batch' }).slopes());
  expect(tf.memory()).toMatchObject({ numTensors: held.numTensors, numDataBuffers: held.numDataBuffers });
});

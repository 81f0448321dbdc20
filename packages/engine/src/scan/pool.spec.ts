import { lif, rectangle } from '@bidl/dynamics';
import { expectClose } from '@bidl/testing';
import * as tf from '@tensorflow/tfjs';
import { startEngine } from '../backend/start.js';
import { ScanError } from './errors.js';
import { neuronScan } from './scan.js';
import type { ScanArgs, ScanForm } from './types.js';

beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
});

const surrogate = rectangle();
const spike = lif();
const analog = lif({ mode: 'analog', membMode: [2, 'tanh'] });

function scanArgs(shape: number[], norm: boolean, form: ScanForm): Omit<ScanArgs, 'x'> {
  const channels = shape.at(-1) ?? 1;
  const random = (seed: number) => tf.add(tf.randomUniform([channels], 0, 0.2, 'float32', seed), 0.2);
  return {
    params: { alpha: tf.scalar(0.4), beta: tf.scalar(0.01), theta: random(1), v0: tf.scalar(0.05) },
    ...(norm && {
      norm: {
        gamma: random(2),
        beta: random(3),
        mean: random(4),
        variance: random(5),
        epsilon: 1e-5,
        momentum: 0.1,
      },
    }),
    surrogate,
    training: true,
    form,
  };
}

/** Output and gradients, pooled by the scan or behind it. */
function run(neuron: typeof spike, shape: number[], norm: boolean, form: ScanForm, inside: boolean) {
  return tf.tidy(() => {
    const x = tf.randomUniform(shape, -0.3, 1, 'float32', 9);
    const bias = tf.randomUniform([shape.at(-1) ?? 1], -0.1, 0.1, 'float32', 10);
    const args = scanArgs(shape, norm, form);
    const pooled = (v: tf.Tensor, b: tf.Tensor, theta: tf.Tensor): tf.Tensor => {
      const { out } = neuronScan(neuron, {
        ...args,
        x: v,
        bias: b,
        params: { ...args.params, theta },
        pool: inside,
      });
      if (inside) return out;
      const [batch, steps, height, width, channels] = out.shape;
      const images = tf.maxPool(
        tf.reshape<tf.Rank.R4>(out, [batch * steps, height, width, channels]),
        2,
        2,
        'valid',
      );
      return tf.reshape(images, [batch, steps, ...images.shape.slice(1)]);
    };
    const out = pooled(x, bias, args.params['theta']);
    const dy = tf.randomUniform(out.shape, -1, 1, 'float32', 11);
    const grads = tf.grads((...t) => pooled(t[0], t[1], t[2]))([x, bias, args.params['theta']], dy);
    return [out, ...grads].map((t) => ({ shape: t.shape, data: t.dataSync() }));
  });
}

describe('a pooled scan is the scan and then the pooling', () => {
  test.each([
    ['spikes, even', spike, [2, 5, 6, 8, 16]],
    ['spikes, odd sides', spike, [3, 4, 7, 9, 5]],
    ['analog, one strip and a rest', analog, [2, 3, 40, 14, 3]],
    ['many channels', spike, [1, 2, 4, 4, 600]],
    ['a single row', spike, [2, 3, 1, 8, 4]],
  ] satisfies [string, typeof spike, number[]][])('%s', (_, neuron, shape) => {
    for (const norm of [false, true]) {
      const behind = run(neuron, shape, norm, 'fused', false);
      const inside = run(neuron, shape, norm, 'fused', true);
      const composed = run(neuron, shape, norm, 'composed', true);
      behind.forEach(({ shape: wanted, data }, k) => {
        expect(inside[k].shape).toEqual(wanted);
        // Strips of other lengths add up parameters' gradients, and batch statistics, in another order.
        const tolerance = k === 0 && !norm ? { atol: 0, rtol: 0 } : { atol: 1e-5, rtol: 1e-5 };
        expectClose(inside[k].data, data, tolerance, `fused ${k} ${norm}`);
        expectClose(composed[k].data, data, { atol: 2e-4, rtol: 1e-4 }, `composed ${k} ${norm}`);
      });
    }
  });
});

test('only images can be pooled', () => {
  tf.tidy(() => {
    const x = tf.zeros([2, 3, 8]);
    const args = { ...scanArgs([8], false, 'auto'), x, pool: true };
    expect(() => neuronScan(spike, args)).toThrow(ScanError);
    expect(() => neuronScan(spike, args)).toThrow('must be [batch, time, height, width, channels]');
  });
});

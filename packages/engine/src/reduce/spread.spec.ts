import { lif, rectangle } from '@bidl/dynamics';
import * as tf from '@tensorflow/tfjs';
import { startEngine } from '../backend/start.js';
import { neuronScan } from '../scan/scan.js';
import { repeated, spread } from './spread.js';

beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
});

const small = () => tf.tensor([1, 2, 3, 4], [2, 1, 2]);
const large = [1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4];

test('what is spread is held once until something reads all of it', () => {
  const y = spread(small(), [2, 3, 2]);
  expect(repeated(y)?.shape).toEqual([2, 1, 2]);
  const sameData = tf.clone(y);
  expect(Array.from(y.dataSync())).toEqual(large);
  expect(repeated(y)).toBeUndefined();
  expect(Array.from(sameData.dataSync())).toEqual(large);
});

test('ops see its values', async () => {
  const [a, b, c] = [1, 2, 3].map(() => spread(small(), [2, 3, 2]));
  expect(Array.from(tf.add(a, 1).dataSync())).toEqual(large.map((v) => v + 1));
  expect(Array.from(tf.reshape(b, [12]).dataSync())).toEqual(large);
  expect(Array.from(await c.data())).toEqual(large);
  const twice = spread(spread(small(), [2, 3, 2]).reshape([2, 3, 1, 2]), [2, 3, 2, 2]);
  expect(Array.from(tf.sum(twice, 2).dataSync())).toEqual(large.map((v) => 2 * v));
});

test('it outlives what it repeats, and leaves nothing behind', () => {
  const before = tf.memory();
  const read = tf.tidy(() => spread(small(), [2, 3, 2]));
  const unread = tf.tidy(() => spread(small(), [2, 3, 2]));
  const [one, other] = [tf.clone(unread), tf.clone(unread)];
  unread.dispose();
  one.dispose();
  expect(Array.from(read.dataSync())).toEqual(large);
  expect(repeated(other)).toBeDefined();
  tf.dispose([read, other]);
  const { numTensors, numDataBuffers } = tf.memory();
  expect({ numTensors, numDataBuffers }).toEqual({
    numTensors: before.numTensors,
    numDataBuffers: before.numDataBuffers,
  });
});

test('gradients of gradients pass through it', () => {
  const cubes = (x: tf.Tensor) => tf.sum(tf.pow(x, 3)).asScalar();
  const slope = (x: tf.Tensor) => tf.sum(tf.mul(tf.grad(cubes)(x), x)) as tf.Scalar;
  // sum of 3x³, whose gradient is 9x²
  expect(
    Array.from(
      tf
        .grad(slope)(tf.tensor1d([1, 2, 3]))
        .dataSync(),
    ),
  ).toEqual([9, 36, 81]);
});

/** A few neurons, and so many that they go in rows of two lengths, the shorter one first on some thread. */
const SHAPES = { few: [3, 5, 4, 6, 2], many: [3, 4, 30, 30, 3] };
const losses: Record<string, (out: tf.Tensor) => tf.Tensor> = {
  'all of it': (out) => tf.mean(out),
  time: (out) => tf.sum(out, 1),
  samples: (out) => tf.sum(out, 0),
  'samples and time': (out) => tf.sum(out, [0, 1]),
  neurons: (out) => tf.sum(out, [2, 3, 4]),
  'samples and neurons': (out) => tf.sum(out, [0, 2, 3, 4]),
  'time and neurons': (out) => tf.mean(out, [1, 2, 3, 4]),
  pixels: (out) => tf.sum(out, [2, 3]),
};

describe.each(['none', 'batch'] as const)('a scan behind a sum, norm %s', (norm) => {
  const cases = Object.keys(losses).flatMap((name) =>
    [false, true].flatMap((pool) => (['few', 'many'] as const).map((neurons) => ({ name, pool, neurons }))),
  );
  test.each(cases)(
    'over $name, pool $pool, $neurons neurons: its gradient is that of the array written out',
    ({ name, pool, neurons }) => {
      const shape = SHAPES[neurons];
      const channels = shape[4];
      const constant = (value: number) => tf.variable(tf.scalar(value), false);
      const neuron = lif();
      const params = Object.fromEntries(Object.entries(neuron.params).map(([k, v]) => [k, constant(v)]));
      const vector = (seed: number) => tf.variable(tf.randomUniform([channels], 0.5, 1.5, 'float32', seed));
      const batchNorm = {
        gamma: vector(1),
        beta: vector(2),
        mean: tf.zeros([channels]),
        variance: tf.ones([channels]),
        epsilon: 1e-5,
        momentum: 0.1,
      };
      const x = tf.randomUniform(shape, -1, 2, 'float32', 3);
      const out = (input: tf.Tensor) =>
        neuronScan(neuron, {
          x: input,
          params,
          surrogate: rectangle(),
          training: true,
          form: 'fused',
          pool,
          ...(norm === 'batch' && { norm: batchNorm }),
        }).out;
      const weights = tf.randomNormal(losses[name](out(x)).shape, 0, 1, 'float32', 4);
      const sum = (y: tf.Tensor) => tf.sum(tf.mul(losses[name](y), weights)) as tf.Scalar;
      const once = tf.grad((input) => sum(out(input)))(x);
      const dout = tf.grad(sum)(out(x));
      expect(repeated(dout)).toBeDefined();
      const whole = tf.grad(out)(x, tf.tensor(dout.dataSync(), dout.shape));
      const [got, want] = [once.dataSync(), whole.dataSync()];
      expect(got.filter((value, i) => !Object.is(value, want[i]))).toHaveLength(0);
      expect(tf.max(tf.abs(once)).dataSync()[0]).toBeGreaterThan(0);
    },
  );
});

import { expectClose } from '@bidl/testing';
import * as tf from '@tensorflow/tfjs';
import { startEngine } from '../backend/start.js';

beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
});

test.each<[number[], boolean, number[]]>([
  [[0, 2], false, [3, 5]],
  [[2, 0], true, [1, 3, 1, 5]],
  [[0, -1], false, [3, 4]],
  [[1, 3], false, [2, 4]],
  [[1, 2], false, [2, 5]],
])('a sum over axes %j (kept: %p) is that of the numbers', (axes, keepDims, shape) => {
  const size = [2, 3, 4, 5];
  const x = tf.randomNormal(size, 0, 1, 'float32', 1);
  const values = x.dataSync();
  const summed = axes.map((axis) => (axis + 4) % 4);
  const kept = [0, 1, 2, 3].filter((axis) => !summed.includes(axis));
  const want = new Float64Array(kept.reduce((n, axis) => n * size[axis]!, 1));
  const strides = [60, 20, 5, 1];
  values.forEach((value, at) => {
    const place = kept.reduce(
      (to, axis) => to * size[axis]! + (Math.floor(at / strides[axis]!) % size[axis]!),
      0,
    );
    want[place]! += value;
  });
  const tensors = tf.memory().numTensors;
  const sum = tf.sum(x, axes, keepDims);
  expect(tf.memory().numTensors).toBe(tensors + 1);
  expect(sum.shape).toEqual(shape);
  expectClose(sum.dataSync(), want, 1e-5);
});

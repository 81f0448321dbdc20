import * as tf from '@tensorflow/tfjs';
import { startEngine } from '../backend/start.js';

test.each<[number[], number[], number[]]>([
  [
    [2, 3, 4],
    [6, 4],
    [6, 4],
  ],
  [
    [2, 3, 4],
    [2, 3, 4],
    [2, 3, 4],
  ],
  [
    [2, 3, 4],
    [-1, 2],
    [12, 2],
  ],
  [[1], [], []],
  [[], [1, 1], [1, 1]],
  [
    [0, 3],
    [3, 0],
    [3, 0],
  ],
])('%j as %j has the same values, and is a tensor of its own', async (from, to, shape) => {
  await startEngine({ backend: 'tensorflow' });
  const held = tf.memory();
  for (let again = 0; again < 2; again++) {
    const x = tf.randomNormal(from, 0, 1, 'float32', 2);
    const values = x.dataSync();
    const y = tf.reshape(x, to);
    x.dispose();
    expect(y.shape).toEqual(shape);
    expect(y.dataSync()).toEqual(values);
    y.dispose();
  }
  expect(tf.memory()).toEqual(held);
});

test('other types go to TensorFlow.js’s own', async () => {
  await startEngine({ backend: 'tensorflow' });
  expect(tf.reshape(tf.tensor1d([1, 2], 'int32'), [2, 1]).arraySync()).toEqual([[1], [2]]);
});

test('the shapes that are kept are bounded', async () => {
  await startEngine({ backend: 'tensorflow' });
  const x = tf.zeros([1]);
  const held = () => (tf.backend() as tf.KernelBackend & { numDataIds(): number }).numDataIds();
  const before = held();
  for (let rank = 3; rank < 5; rank++) tf.reshape(x, Array(rank).fill(1)).dispose();
  expect(held()).toBe(before + 2);
  for (let n = 1; n <= 3000; n++) tf.tidy(() => void tf.reshape(tf.zeros([n]), [n, 1]));
  expect(held() - before).toBeLessThanOrEqual(1024);
});

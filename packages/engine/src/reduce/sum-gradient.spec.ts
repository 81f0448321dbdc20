import { expectClose } from '@bidl/testing';
import * as tf from '@tensorflow/tfjs';
import { startEngine } from '../backend/start.js';

beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
});

const reductions = { sum: tf.sum, mean: tf.mean };

describe.each(Object.keys(reductions) as (keyof typeof reductions)[])('the gradient of %s', (name) => {
  test.each<[number | number[] | undefined, number[]]>([
    [undefined, []],
    [1, [2, 4]],
    [-1, [2, 3]],
    [[0, 2], [3]],
  ])('over axis %j is every input’s share', (axis, shape) => {
    const reduce = (x: tf.Tensor) => reductions[name](x, axis);
    const x = tf.randomNormal([2, 3, 4], 0, 1, 'float32', 1);
    const dy = tf.randomNormal(shape, 0, 1, 'float32', 2);
    const dx = tf.grad(reduce)(x, dy).arraySync() as number[][][];
    const summed = x.size / dy.size;
    const given = dy.dataSync();
    // y is linear in x: y(x + e) − y(x) along one input is its gradient
    const slopes = [0, 1].flatMap((i) =>
      [0, 1, 2].flatMap((j) =>
        [0, 1, 2, 3].map((k) => {
          const one = tf.buffer([2, 3, 4]);
          one.set(1, i, j, k);
          const moved = Array.from(tf.sum(one.toTensor(), axis).dataSync());
          return moved.reduce((sum, v, at) => sum + v * given[at], 0);
        }),
      ),
    );
    const want = slopes.map((slope) => (name === 'mean' ? slope / summed : slope));
    expectClose(dx.flat(2), want, 1e-6);
  });
});

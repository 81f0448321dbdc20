import { startEngine, tf } from '@bidl/engine';
import { expectClose } from '@bidl/testing';
import { clipGradNorm } from './clip-grad-norm.js';

beforeAll(() => startEngine());

const gradients = () =>
  new Map<string, tf.Tensor>([
    ['a', tf.tensor1d([3, -4])],
    ['b', tf.tensor2d([[12]])],
  ]);

it.each([
  [2 as const, 13],
  [1, 19],
  ['inf' as const, 12],
])('scales all gradients by max_norm / norm (norm_type %s)', (norm_type, norm) => {
  const clipped = clipGradNorm(gradients(), { max_norm: 1, norm_type });
  expectClose(clipped.norm.dataSync(), [norm], 1e-5);
  expectClose(clipped.gradients.get('a')!.dataSync(), [3 / norm, -4 / norm], 1e-6);
  expectClose(clipped.gradients.get('b')!.dataSync(), [12 / norm], 1e-6);
});

it('leaves gradients below the bound as they are, and new tensors only for them', () => {
  const given = gradients();
  const before = tf.memory().numTensors;
  const { gradients: clipped, norm } = clipGradNorm(given, { max_norm: 20 });
  expect(Array.from(clipped.get('a')!.dataSync())).toEqual([3, -4]);
  expect(tf.memory().numTensors).toBe(before + 3);
  norm.dispose();
});

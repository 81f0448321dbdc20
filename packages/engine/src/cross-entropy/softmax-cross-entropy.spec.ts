import { expectClose } from '@bidl/testing';
import * as tf from '@tensorflow/tfjs';
import { startEngine } from '../backend/start.js';
import { softmaxCrossEntropy } from './softmax-cross-entropy.js';

const logits = [
  [1, -2, 0.5],
  [1e4, 0, -1e4],
];
const target = [
  [0.2, 0.5, 0.3],
  [0, 1, 0],
];

/** In float64, row by row. */
function expected() {
  return logits.map((row, i) => {
    const top = Math.max(...row);
    const norm = top + Math.log(row.reduce((sum, x) => sum + Math.exp(x - top), 0));
    const slope = row.map((x, k) => Math.exp(x - norm) - target[i][k]);
    return { loss: row.reduce((sum, x, k) => sum + target[i][k] * (norm - x), 0), slope };
  });
}

test.each(['tensorflow', 'cpu'] as const)('loss and slope of every row on %s', async (backend) => {
  await startEngine({ backend });
  const [x, y] = [tf.tensor2d(logits), tf.tensor2d(target)];
  const held = tf.memory().numTensors;
  tf.tidy(() => {
    const want = expected();
    expectClose(
      softmaxCrossEntropy(x, y).dataSync(),
      want.map((w) => w.loss),
      1e-5,
    );
    const dy = tf.tensor1d([2, -3]);
    const slope = tf.grad((v: tf.Tensor) => softmaxCrossEntropy(v as tf.Tensor2D, y))(x, dy);
    expectClose(
      slope.dataSync(),
      [...want[0].slope.map((s) => 2 * s), ...want[1].slope.map((s) => -3 * s)],
      1e-6,
    );
  });
  expect(tf.memory().numTensors).toBe(held);
  await startEngine({ backend: 'tensorflow' });
});

import { startEngine, tf } from '@bidl/engine';
import { expectClose, golden, type Tolerance } from '@bidl/testing';
import { binaryCorrect, topKCorrect } from './accuracy.js';

beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
});

test('top-1 and top-5 are what upstream intends', () => {
  const { get, json } = golden('metrics', 'accuracy');
  const logits = tf.tensor(get('logits').data as Float32Array, [...get('logits').shape]);
  const target = Array.from(get('target').data as Int32Array);
  const percent = topKCorrect(logits, target, [1, 5]).map((n) => (100 * n) / target.length);
  expectClose(percent, get('intended/top1_top5').data as Float32Array, json.tolerance as Tolerance);
});

test('upstream counts right answers with negative logits as wrong, we do not', () => {
  expect(topKCorrect(tf.tensor2d([[-3, -1, -2]]), [1], [1])).toEqual([1]);
});

test('one logit: binary accuracy', () => {
  const { get, json } = golden('metrics', 'accuracy_binary');
  const logits = tf.tensor1d(Array.from(get('logits').data as Float32Array));
  const target = Array.from(get('target').data as Int32Array);
  const percent = (100 * binaryCorrect(logits, target)) / target.length;
  expectClose([percent], get('accuracy').data as Float32Array, json.tolerance as Tolerance);
});

test('ties go to the lower class, NaN is never right', () => {
  const even = tf.tensor2d([[1, 1, 1]]);
  expect([0, 1, 2].map((label) => topKCorrect(even, [label], [1])[0])).toEqual([1, 0, 0]);
  const diverged = tf.tensor2d([
    [NaN, NaN, NaN],
    [0, NaN, 1],
  ]);
  expect(topKCorrect(diverged, [0, 2], [1, 2])).toEqual([0, 1]);
});

test('k beyond the number of classes counts every sample', () => {
  expect(
    topKCorrect(
      tf.tensor2d([
        [0, 1],
        [1, 0],
      ]),
      [0, 0],
      [1, 5],
    ),
  ).toEqual([1, 2]);
});

test.each<[string, () => unknown, string]>([
  ['label', () => topKCorrect(tf.zeros([1, 3]), [7], [1]), 'label 7 of sample 0 is out of range'],
  ['shape', () => topKCorrect(tf.zeros([3]), [0], [1]), 'needs logits [B, K], got [3]'],
  ['two logits', () => binaryCorrect(tf.zeros([3, 2]), [0, 0, 0]), 'needs logits [B] or [B, 1], got [3, 2]'],
])('error: %s', (_, make, message) => {
  expect(make).toThrow(message);
});

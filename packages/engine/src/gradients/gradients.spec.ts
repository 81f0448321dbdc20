import * as tf from '@tensorflow/tfjs';
import { startEngine } from '../backend/start.js';
import { checkpoint } from './checkpoint.js';
import { GradientError, gradients, valueAndGradients } from './gradients.js';

beforeAll(() => startEngine({ backend: 'tensorflow' }));

const numbers = (t: tf.Tensor | undefined) => t && Array.from(t.dataSync());
const x = () => tf.tensor1d([0.5, -1, 2]);
/** Two ways from a to the value, one of them through an addition that hands its gradient on as it is. */
const value = (a: tf.Tensor, b: tf.Tensor) => tf.sum(tf.add(tf.mul(tf.square(a), b), tf.add(a, a)));

test('value and gradients are those of tfjs', () => {
  const [a, b] = [x(), tf.tensor1d([3, 4, 5])];
  const made = valueAndGradients(() => value(a, b), [a, b]);
  const want = tf.valueAndGrads(value)([a, b]);
  expect(numbers(made.value)).toEqual(numbers(want.value));
  expect(made.grads.map(numbers)).toEqual(want.grads.map(numbers));
});

test('a gradient in the value may be given, and stays its owner’s', () => {
  const a = x();
  const dy = tf.tensor1d([1, 10, 100]);
  const [same, square] = [() => a.clone(), () => tf.square(a)].map((f) => gradients(f, [a], dy)[0]);
  expect(numbers(same)).toEqual([1, 10, 100]);
  expect(numbers(square)).toEqual([1, -20, 400]);
  expect(numbers(dy)).toEqual([1, 10, 100]);
});

test('what the value does not depend on has no gradient', () => {
  const [a, b] = [x(), x()];
  expect(valueAndGradients(() => tf.sum(a), [a, b]).grads[1]).toBeUndefined();
  expect(gradients(() => b.clone(), [a], x())).toEqual([undefined]);
});

test('gradients that functions of a user’s give are left alone', () => {
  const a = x();
  const mine = tf.tensor1d([7, 8, 9]);
  const twice = tf.customGrad((v) => {
    const t = v as tf.Tensor;
    return { value: tf.mul(t, 2), gradFunc: () => mine };
  });
  expect(numbers(valueAndGradients(() => tf.sum(twice(twice(a))), [a]).grads[0])).toEqual([7, 8, 9]);
  expect(numbers(mine)).toEqual([7, 8, 9]);
});

test('inside a backward pass of tfjs, which goes on', () => {
  const a = x();
  const cube = tf.customGrad((v, save) => {
    const t = v as tf.Tensor;
    (save as (t: tf.Tensor[]) => void)([t]);
    return {
      value: tf.mul(t, tf.square(t)),
      gradFunc: (dy, [kept]) => gradients(() => tf.mul(kept, tf.square(kept)), [kept], dy as tf.Tensor)[0]!,
    };
  });
  const held = tf.memory().numTensors;
  const slope = tf.grad((t: tf.Tensor) => tf.sum(cube(tf.mul(t, 2))))(a);
  expect(numbers(slope)).toEqual([6, 24, 96]);
  slope.dispose();
  expect(tf.memory().numTensors).toBe(held);
});

test('gradients of gradients are refused, and an error leaves nothing behind', () => {
  const a = x();
  const inner = () => gradients(() => tf.square(a), [a], a)[0]!;
  expect(() => valueAndGradients(() => tf.sum(inner()), [a])).toThrow(GradientError);
  const held = tf.memory().numTensors;
  expect(() =>
    valueAndGradients(() => {
      tf.square(tf.square(a));
      throw new Error('no');
    }, [a]),
  ).toThrow('no');
  expect(tf.memory().numTensors).toBe(held);
  expect(numbers(tf.grad((t: tf.Tensor) => tf.sum(tf.square(t)))(a))).toEqual([1, -2, 4]);
});

/** The most bytes that were held at once, beyond those before. */
async function peak(f: () => tf.TensorContainer): Promise<number> {
  const before = tf.memory().numBytes;
  const { kernels } = await tf.profile(() => tf.tidy(f));
  return Math.max(...kernels.map(({ totalBytesSnapshot }) => totalBytesSnapshot)) - before;
}

const SIZE = 1000;
const DEPTH = 8;
const layer = (t: tf.Tensor) => tf.sin(tf.sin(tf.sin(tf.sin(t))));
const repeatable = ([t]: readonly tf.Tensor[]) => ({ out: layer(t!) });

test('what has been used is freed: a deep function takes less than in tfjs, checkpoints less again', async () => {
  const a = tf.randomUniform([SIZE], 0, 1, 'float32', 1);
  const deep = (of: (t: tf.Tensor) => tf.Tensor) => () =>
    tf.sum(Array.from({ length: DEPTH }).reduce<tf.Tensor>((t) => tf.tidy(() => of(t)), a));
  const lean = (t: tf.Tensor) => checkpoint(repeatable, { inputs: [t], weights: [] }).out;
  const theirs = await peak(() => tf.grad(deep(layer))(a));
  const ours = await peak(() => valueAndGradients(deep(layer), [a]).grads);
  const least = await peak(() => valueAndGradients(deep(lean), [a]).grads);
  expect(ours).toBeLessThan(0.75 * theirs);
  expect(least).toBeLessThan(0.6 * ours);
});

test('a checkpoint gives the same bits, in tfjs’s gradients and in ours', () => {
  const [a, w] = [x(), tf.variable(tf.scalar(0.7))];
  const f = ([t]: readonly tf.Tensor[]) => ({ out: layer(tf.mul(t!, w)) });
  const plain = () => tf.sum(f([a]).out) as tf.Scalar;
  const lean = () => tf.sum(checkpoint(f, { inputs: [a], weights: [w] }).out) as tf.Scalar;
  const want = tf.variableGrads(plain, [w]).grads[w.name];
  expect(numbers(tf.variableGrads(lean, [w]).grads[w.name])).toEqual(numbers(want));
  const both = valueAndGradients(lean, [a, w]);
  expect(numbers(both.grads[1])).toEqual(numbers(want));
  expect(numbers(both.grads[0])).toEqual(numbers(tf.grad(() => plain())(a)));
  expect(numbers(both.value)).toEqual(numbers(plain()));
});

test('a checkpoint runs twice; a third time only where data’s gradient is asked for', () => {
  const [a, w] = [x(), tf.variable(tf.scalar(0.7))];
  let runs = 0;
  const f = ([t]: readonly tf.Tensor[]) => {
    runs++;
    return { out: tf.mul(t!, w), aside: [tf.scalar(runs)] };
  };
  const lean = () => tf.sum(checkpoint(f, { inputs: [a], weights: [w], isData: () => true }).out);
  expect(numbers(valueAndGradients(lean, [w]).grads[0])).toEqual([1.5]);
  expect(runs).toBe(2);
  runs = 0;
  const { grads } = valueAndGradients(lean, [a, w]);
  expect(numbers(grads[0])).toEqual([0.7, 0.7, 0.7].map(Math.fround));
  expect(numbers(grads[1])).toEqual([1.5]);
  expect(runs).toBe(3);
  const { out, aside } = checkpoint(f, { inputs: [a], weights: [w] });
  expect([numbers(out)?.length, numbers(aside[0])]).toEqual([3, [4]]);
});

test('a weight that a checkpoint makes no use of gets zeros, and nothing is held', () => {
  const [a, w] = [x(), tf.variable(tf.scalar(0.7))];
  const run = () =>
    tf.tidy(() =>
      numbers(
        valueAndGradients(
          () => tf.sum(checkpoint(([t]) => ({ out: tf.square(t!) }), { inputs: [a], weights: [w] }).out),
          [w],
        ).grads[0],
      ),
    );
  const held = tf.memory().numTensors;
  expect(run()).toEqual([0]);
  expect(tf.memory().numTensors).toBe(held);
});

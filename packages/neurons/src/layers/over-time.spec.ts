import { startEngine, tf } from '@bidl/engine';
import { expectClose } from '@bidl/testing';
import { Lif } from './lif.js';
import { OverTime } from './over-time.js';

beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
});

test('does to every step what the layer does to one', () => {
  const dense = tf.layers.dense({ units: 3, activation: 'relu', name: 'head/0' });
  const over = new OverTime(dense);
  const x = tf.randomNormal([2, 4, 5], 0, 1, 'float32', 1);
  const y = over.apply(x) as tf.Tensor;
  const steps = tf.unstack(x, 1).map((step) => dense.apply(step) as tf.Tensor);
  expect(y.shape).toEqual([2, 4, 3]);
  expectClose(y.dataSync(), tf.stack(steps, 1).dataSync(), 1e-6);
});

test('takes the name and the weights of its layer', () => {
  const over = new OverTime(tf.layers.dense({ units: 3, name: 'head/0' }));
  over.apply(tf.zeros([2, 4, 5]));
  expect(over.name).toBe('head/0');
  expect(over.weights.map((w) => w.originalName)).toEqual(['head/0/kernel', 'head/0/bias']);
  expect(over.trainableWeights).toHaveLength(2);
});

test('knows its output shape with an open batch and time', () => {
  const over = new OverTime(tf.layers.maxPooling2d({ poolSize: 2, strides: 2 }));
  expect(over.computeOutputShape([null, null, 7, 6, 3])).toEqual([null, null, 3, 3, 3]);
});

test('calls the layer once, whatever T is', () => {
  const flatten = tf.layers.flatten();
  const call = jest.spyOn(flatten, 'call');
  new OverTime(flatten).apply(tf.zeros([2, 50, 3, 3, 2]));
  expect(call).toHaveBeenCalledTimes(1);
});

test('refuses a layer that carries state from step to step', () => {
  expect(() => new OverTime(new Lif({ name: 'lif1' }))).toThrow(
    'layer "lif1": OverTime would make Lif forget its state between steps',
  );
});

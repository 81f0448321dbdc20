import { expectClose } from '@bidl/testing';
import * as tf from '@tensorflow/tfjs';
import { startEngine } from '../backend/start.js';
import { fusedAdamStep } from './adam-step.js';

const numbers = { beta1: 0.9, beta2: 0.999, rate: 0.01, epsilon: 1e-7, decay: 0.05 };

test('one step is the formula, element by element', async () => {
  await startEngine({ backend: 'tensorflow' });
  const size = 70_001; // more than one thread's share, and no multiple of a vector
  const wave = (f: number, offset = 0) =>
    Float32Array.from({ length: size }, (_, i) => Math.sin(f * i) + offset);
  const [param, grad, m, v] = [wave(0.37), wave(0.11), wave(0.73), wave(0.51, 1.5)];
  const before = tf.memory().numTensors;
  const tensors = { param: tf.tensor1d(param), m: tf.tensor1d(m), v: tf.tensor1d(v) };
  const gradient = tf.tensor1d(grad);
  const after = fusedAdamStep(tensors, gradient, numbers)!;
  const want = { param: new Float64Array(size), m: new Float64Array(size), v: new Float64Array(size) };
  for (let i = 0; i < size; i++) {
    const g = grad[i] + numbers.decay * param[i];
    want.m[i] = numbers.beta1 * m[i] + (1 - numbers.beta1) * g;
    want.v[i] = numbers.beta2 * v[i] + (1 - numbers.beta2) * g * g;
    want.param[i] = param[i] - (numbers.rate * want.m[i]) / (Math.sqrt(want.v[i]) + numbers.epsilon);
  }
  for (const key of ['param', 'm', 'v'] as const) {
    expectClose(after[key].dataSync(), want[key], { atol: 1e-6, rtol: 1e-5 }, key);
  }
  tf.dispose([...Object.values(tensors), gradient, ...Object.values(after)]);
  expect(tf.memory().numTensors).toBe(before);
});

test('elsewhere there is none, and the caller composes it', async () => {
  await startEngine({ backend: 'cpu' });
  const x = tf.tensor1d([1]);
  expect(fusedAdamStep({ param: x, m: x, v: x }, x, numbers)).toBeUndefined();
  await startEngine({ backend: 'tensorflow' });
});

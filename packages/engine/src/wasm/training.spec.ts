import * as tf from '@tensorflow/tfjs';
import { startEngine } from '../backend/start.js';

/** Numbers that look random and are the same in every run and on every backend. */
function numbers(shape: number[], seed: number): tf.Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => Math.sin(i * 12.9898 + seed * 78.233)),
    shape,
  );
}

interface Case {
  strides: number;
  pad: 'same' | 'valid' | number;
  size: number;
}

/** Loss and gradients of a convolution, pooling, dense network on the current backend. */
function gradients({ strides, pad, size }: Case): { loss: number; grads: number[][] } {
  const x = numbers([3, size, size, 2], 1) as tf.Tensor4D;
  const y = tf.oneHot(tf.tensor1d([0, 2, 1], 'int32'), 3);
  const weights = [numbers([3, 3, 2, 4], 2), numbers([4], 3), numbers([3, 3, 4, 5], 4)];
  const variables = weights.map((weight) => tf.variable(weight));
  const [first, bias, second] = variables as [tf.Variable<tf.Rank.R4>, tf.Variable, tf.Variable<tf.Rank.R4>];
  const features = tf.tidy(() => {
    const a = tf.maxPool(tf.add(tf.conv2d(x, first, strides, pad), bias) as tf.Tensor4D, 2, 2, 'valid');
    return tf.avgPool(tf.relu(tf.conv2d(a, second, 1, 'same')), 2, 1, 'valid').size / 3;
  });
  const dense = tf.variable(numbers([features, 3], 5) as tf.Tensor2D);
  const { value, grads } = tf.variableGrads(() => {
    const a = tf.maxPool(tf.add(tf.conv2d(x, first, strides, pad), bias) as tf.Tensor4D, 2, 2, 'valid');
    const b = tf.avgPool(tf.relu(tf.conv2d(a, second, 1, 'same')), 2, 1, 'valid');
    return tf.losses.softmaxCrossEntropy(y, tf.matMul(tf.reshape(b, [3, features]), dense)) as tf.Scalar;
  });
  return {
    loss: value.dataSync()[0] as number,
    grads: [...variables, dense].map(({ name }) => [...(grads[name] as tf.Tensor).dataSync()]),
  };
}

describe('training on wasm', () => {
  it.each<Case>([
    { strides: 1, pad: 'same', size: 8 },
    { strides: 2, pad: 'same', size: 9 },
    { strides: 2, pad: 'valid', size: 10 },
    { strides: 1, pad: 1, size: 7 },
  ])('gives the gradients of the cpu backend: %j', async (example) => {
    await startEngine({ backend: 'cpu' });
    const wanted = gradients(example);
    await startEngine({ backend: 'wasm' });
    const got = gradients(example);
    expect(tf.getBackend()).toBe('wasm');
    expect(got.loss).toBeCloseTo(wanted.loss, 4);
    got.grads.forEach((grad, i) => {
      const reference = wanted.grads[i] as number[];
      expect(reference.some((value) => value !== 0)).toBe(true);
      const scale = Math.max(...reference.map(Math.abs));
      grad.forEach((value, j) =>
        expect(Math.abs(value - (reference[j] as number))).toBeLessThan(1e-4 * scale + 1e-6),
      );
    });
  });

  it('trains: a step of SGD lowers the loss, and no tensor is left over', async () => {
    await startEngine({ backend: 'wasm' });
    const model = tf.sequential({
      layers: [
        tf.layers.conv2d({
          inputShape: [8, 8, 2],
          filters: 4,
          kernelSize: 3,
          padding: 'same',
          activation: 'relu',
        }),
        tf.layers.maxPooling2d({ poolSize: 2 }),
        tf.layers.flatten(),
        tf.layers.dense({ units: 3 }),
      ],
    });
    const x = numbers([6, 8, 8, 2], 7);
    const labels = tf.oneHot(tf.tensor1d([0, 1, 2, 0, 1, 2], 'int32'), 3);
    const optimizer = tf.train.sgd(0.1);
    const loss = () =>
      tf.losses.softmaxCrossEntropy(labels, model.apply(x, { training: true }) as tf.Tensor) as tf.Scalar;
    const step = () => tf.tidy(() => (optimizer.minimize(loss, true) as tf.Scalar).dataSync()[0] as number);
    const first = step();
    const tensors = tf.memory().numTensors;
    for (let i = 0; i < 10; i++) step();
    expect(step()).toBeLessThan(first);
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it.each([
    { size: 2, strides: 2, pad: 'valid' as const },
    { size: 3, strides: 2, pad: 'same' as const },
    { size: 3, strides: 1, pad: 1 },
    { size: 2, strides: 3, pad: 'valid' as const },
  ])(
    'routes the gradient of max pooling to the first maximum of each window: %j',
    async ({ size, strides, pad }) => {
      const run = (x: tf.Tensor) => {
        const pooled = (input: tf.Tensor) => tf.maxPool(input as tf.Tensor4D, size, strides, pad);
        const weights = numbers(pooled(x).shape, 9);
        return [
          ...tf
            .grad((input) => tf.sum(tf.mul(pooled(input), weights)))(x)
            .dataSync(),
        ];
      };
      const spikes = () => tf.cast(tf.greater(numbers([2, 7, 8, 3], 1), 0.5), 'float32'); // many ties, many silent windows
      const below = () => tf.sub(numbers([2, 7, 8, 3], 2), 2);
      await startEngine({ backend: 'cpu' });
      const wanted = [run(spikes()), run(below())];
      await startEngine({ backend: 'wasm' });
      [run(spikes()), run(below())].forEach((got, i) =>
        got.forEach((value, j) => expect(value).toBeCloseTo(wanted[i]?.[j] as number, 5)),
      );
    },
  );

  it('has a gradient of padded average pooling that is the transpose of the pooling', async () => {
    await startEngine({ backend: 'wasm' });
    const pool = (x: tf.Tensor) => tf.avgPool(x as tf.Tensor4D, 3, 2, 'same');
    const x = numbers([2, 6, 7, 3], 1);
    const weights = numbers(pool(x).shape, 2);
    const forward = tf.sum(tf.mul(pool(x), weights)).dataSync()[0] as number;
    const gradient = tf.grad((input) => tf.sum(tf.mul(pool(input), weights)))(x);
    expect(tf.sum(tf.mul(gradient, x)).dataSync()[0]).toBeCloseTo(forward, 4);
  });

  it('has the other kernels that gradients need', async () => {
    const run = () => {
      const gather = tf.grad((x) => tf.sum(tf.square(tf.gather(x, tf.tensor1d([0, 2, 0], 'int32')))));
      const einsum = tf.einsum('bi,ij->bj', numbers([2, 3], 1), numbers([3, 4], 2));
      const depthwise = tf.grad((w: tf.Tensor) =>
        tf.sum(
          tf.square(tf.depthwiseConv2d(numbers([2, 5, 5, 3], 3) as tf.Tensor4D, w as tf.Tensor4D, 1, 'same')),
        ),
      );
      return [gather(numbers([3, 2], 4)), einsum, depthwise(numbers([3, 3, 3, 1], 5))].flatMap((t) => [
        ...t.dataSync(),
      ]);
    };
    await startEngine({ backend: 'cpu' });
    const wanted = run();
    await startEngine({ backend: 'wasm' });
    const got = run();
    expect(got).toHaveLength(wanted.length);
    got.forEach((value, i) => expect(value).toBeCloseTo(wanted[i] as number, 3));
  });
});

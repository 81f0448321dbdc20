import { startEngine, tf } from '@bidl/engine';
import { expectClose } from '@bidl/testing';
import { stepper } from '../stepper/stepper.js';
import { BatchNorm } from './batch-norm.js';
import { Conv2d } from './conv2d.js';
import { SeededDropout } from './dropout.js';
import { Embedding } from './embedding.js';
import { Invert } from './invert.js';
import { MaxPool2d } from './max-pool2d.js';
import { Standardize } from './standardize.js';

beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
});

const modelOf = (shape: (number | null)[], ...layers: tf.layers.Layer[]) => {
  const input = tf.input({ shape });
  const outputs = layers.reduce((x, layer) => layer.apply(x) as tf.SymbolicTensor, input);
  return tf.model({ inputs: input, outputs });
};
const image = (seed = 1) => tf.randomNormal([2, 3, 7, 6, 4], 0, 1, 'float32', seed);

describe('Conv2d', () => {
  test('pads alike on every side, also where a stride does not fit', () => {
    const layer = new Conv2d({ out_channels: 5, kernel_size: 3, stride: 2, padding: 1, name: 'conv' });
    const y = layer.apply(image()) as tf.Tensor;
    expect(y.shape).toEqual([2, 3, 4, 3, 5]);
    const [kernel, bias] = layer.weights.map((w) => w.read().arraySync()) as [number[][][][], number[]];
    const x = image().arraySync() as number[][][][][];
    // The top left output: the kernel's last two rows and columns.
    let sum = bias[2]!;
    for (const ky of [1, 2])
      for (const kx of [1, 2])
        for (let c = 0; c < 4; c++) sum += x[1]![2]![ky - 1]![kx - 1]![c]! * kernel[ky]![kx]![c]![2]!;
    expectClose([(y.arraySync() as number[][][][][])[1]![2]![0]![0]![2]!], [sum], 1e-5);
  });
  test('groups and no bias', () => {
    const layer = new Conv2d({ out_channels: 6, kernel_size: 1, groups: 2, bias: false, name: 'conv' });
    layer.apply(image());
    expect(layer.weights.map((w) => [w.originalName, w.shape])).toEqual([['conv/kernel', [1, 1, 2, 6]]]);
  });
  test('errors', () => {
    expect(() => new Conv2d({ out_channels: 5, kernel_size: 3, groups: 2 })).toThrow("can't be split into 2");
    expect(() => new Conv2d({ out_channels: 6, kernel_size: 3, groups: 3 }).apply(image())).toThrow(
      "the number of input channels, 4 can't be split into 3 groups",
    );
    expect(() => new Conv2d({ out_channels: 6, kernel_size: 9 }).apply(image())).toThrow('has nothing left');
    expect(() => new Conv2d({ out_channels: 6, kernel_size: 3 }).apply(tf.zeros([1, 8, 8, 2]))).toThrow(
      'needs [B, T, H, W, C]',
    );
  });
});

describe('MaxPool2d', () => {
  test('what lies outside never wins', () => {
    const layer = new MaxPool2d({ kernel_size: 3, stride: 2, padding: 1 });
    const y = layer.apply(tf.fill([1, 1, 4, 4, 1], -2)) as tf.Tensor;
    expect(y.shape).toEqual([1, 1, 2, 2, 1]);
    expect(Array.from(y.dataSync())).toEqual([-2, -2, -2, -2]);
  });
  test('too much padding is refused', () => {
    expect(() => new MaxPool2d({ kernel_size: 2, padding: 2 })).toThrow('more than half of the kernel');
  });
});

describe('BatchNorm', () => {
  const train = (statistics: 'step' | 'sequence') => {
    const layer = new BatchNorm({ statistics, name: 'norm' });
    const y = layer.apply(image(), { training: true }) as tf.Tensor;
    return { y, layer };
  };
  test.each(['step', 'sequence'] as const)('statistics per %s', (statistics) => {
    const { y } = train(statistics);
    const groups = statistics === 'step' ? tf.unstack(y, 1) : [y];
    for (const group of groups) {
      const { mean, variance } = tf.moments(group, group.shape.map((_, i) => i).slice(0, -1));
      expectClose(mean.dataSync(), new Float32Array(4), 1e-6);
      expectClose(variance.dataSync(), new Float32Array(4).fill(1), 1e-4);
    }
  });
  test('running statistics advance once a step, or once', () => {
    for (const [statistics, kept] of [
      ['step', 0.9 ** 3],
      ['sequence', 0.9],
    ] as const) {
      const { layer } = train(statistics);
      const [mean] = layer.nonTrainableWeights;
      expect(mean!.originalName).toBe('norm/mean');
      const batches = statistics === 'step' ? tf.unstack(image(), 1) : [image()];
      const want = batches.reduce<tf.Tensor>(
        (now, batch) => now.mul(0.9).add(batch.mean(batch.shape.map((_, i) => i).slice(0, -1)).mul(0.1)),
        tf.zeros([4]),
      );
      expectClose(mean!.read().dataSync(), want.dataSync(), 1e-6);
      const [, variance] = layer.nonTrainableWeights;
      const old = variance!.read().dataSync()[0]!;
      expect(old).toBeGreaterThan(kept);
    }
  });
  test('evaluation leaves them alone', () => {
    const layer = new BatchNorm({ name: 'norm' });
    const y = layer.apply(image()) as tf.Tensor;
    expectClose(y.dataSync(), image().dataSync(), 1e-4);
    expect(Array.from(layer.nonTrainableWeights[0]!.read().dataSync())).toEqual([0, 0, 0, 0]);
  });
  test('gamma may start at 0', () => {
    const y = new BatchNorm({ gamma: 0 }).apply(image()) as tf.Tensor;
    expect(y.abs().max().dataSync()[0]).toBe(0);
  });
});

describe('Embedding', () => {
  const layer = () => new Embedding({ num_embeddings: 9, embedding_dim: 4, seed: 3, name: 'embedding' });
  test('a row of the weight for every token', () => {
    const made = layer();
    const y = made.apply(tf.tensor2d([[3, 0, 8]])) as tf.Tensor;
    const rows = made.weights[0]!.read().arraySync() as number[][];
    expect(y.arraySync()).toEqual([[rows[3], rows[0], rows[8]]]);
    expect(made.weights[0]!.originalName).toBe('embedding/kernel');
  });
  test('learns', () => {
    const made = layer();
    const ids = tf.tensor2d([[3, 3, 8]]);
    made.apply(ids);
    const { grads } = tf.variableGrads(() => (made.apply(ids) as tf.Tensor).sum() as tf.Scalar);
    const [slope] = Object.values(grads);
    expect((slope!.arraySync() as number[][]).map(([first]) => first)).toEqual([0, 0, 0, 2, 0, 0, 0, 0, 1]);
  });
  test('wants ids', () => {
    expect(() => layer().apply(tf.zeros([1, 2, 3]))).toThrow('needs token ids [B, T], got [1, 2, 3]');
  });
});

describe('SeededDropout', () => {
  const x = tf.ones([4, 50]);
  const drop = (iteration: number, seed = 1) =>
    new SeededDropout({ rate: 0.4, seed, name: 'drop' }).apply(x, { training: true, iteration }) as tf.Tensor;
  test('is a function of seed, name and iteration, and keeps the mean', () => {
    const values = drop(3).dataSync();
    expect(drop(3).dataSync()).toEqual(values);
    expect(drop(4).dataSync()).not.toEqual(values);
    expect(drop(3, 2).dataSync()).not.toEqual(values);
    expect(new Set(values)).toEqual(new Set([0, Math.fround(1 / 0.6)]));
    expect(Math.abs(drop(3).mean().dataSync()[0]! - 1)).toBeLessThan(0.2);
  });
  test('rests in evaluation', () => {
    const y = new SeededDropout({ rate: 0.4 }).apply(x) as tf.Tensor;
    expect(Array.from(y.dataSync())).toEqual(Array.from(x.dataSync()));
    expect(() => new SeededDropout({ rate: 1 })).toThrow('rate is 1; give 0 to below 1');
  });
});

describe('Standardize', () => {
  test('by channel', () => {
    const y = new Standardize({ mean: [1, 2], std: [2, 4] }).apply(tf.tensor([5, 6], [1, 1, 2])) as tf.Tensor;
    expect(Array.from(y.dataSync())).toEqual([2, 1]);
  });
  test('wants as many channels', () => {
    expect(() => new Standardize({ mean: [1, 2], std: [2, 4] }).apply(tf.zeros([1, 1, 3]))).toThrow(
      'has mean and std of 2 channels, the input has 3',
    );
    expect(() => new Standardize({ mean: [1], std: [0] })).toThrow('none of them 0');
  });
});

test.each([
  [
    'images',
    () =>
      modelOf(
        [3, 7, 6, 4],
        new Conv2d({ out_channels: 5, kernel_size: 3, stride: 2, padding: 1, seed: 1 }),
        new BatchNorm(),
        new MaxPool2d({ kernel_size: 3, stride: 1, padding: 1 }),
        new Standardize({ mean: [1, 2, 3, 4, 5], std: [1, 2, 1, 2, 1] }),
        new SeededDropout({ rate: 0.5 }),
        new Invert(),
      ),
    () => image(),
  ],
  [
    'tokens',
    () => modelOf([3], new Embedding({ num_embeddings: 9, embedding_dim: 4 })),
    () => tf.tensor2d([[3, 1, 4]]),
  ],
] as const)('%s: sequence = steps, and saving', async (_, make, x) => {
  const model = make();
  const whole = model.apply(x()) as tf.Tensor;
  const { initialState, step } = stepper(model);
  const outs = tf.unstack(x(), 1).map((frame) => step(frame, initialState(2)).out);
  expectClose(tf.stack(outs, 1).dataSync(), whole.dataSync(), 1e-6);
  const topology = JSON.parse(model.toJSON(null, true) as string) as object;
  const loaded = await tf.models.modelFromJSON({ modelTopology: topology } as never);
  loaded.setWeights(model.getWeights());
  expect((loaded.apply(x()) as tf.Tensor).dataSync()).toEqual(whole.dataSync());
});

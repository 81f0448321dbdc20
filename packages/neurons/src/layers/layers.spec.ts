import { startEngine, tf } from '@bidl/engine';
import { expectClose } from '@bidl/testing';
import { Conv2dLif, type Conv2dLifArgs } from './conv2d-lif.js';
import { FcLif } from './fc-lif.js';
import { Lif, Lif1d, Lif2d } from './lif.js';
import type { SpikeFunc } from './surrogate-arg.js';

beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
});

const conv = (args: Partial<Conv2dLifArgs> = {}) =>
  new Conv2dLif({ name: 'clif1', hidden_channel: 4, kernel_size: 3, padding: 1, ...args });

describe('start of the weights', () => {
  const kernel = (layer: Conv2dLif) => {
    layer.build([null, null, 8, 8, 2]);
    return layer.weights[0]!.read().dataSync() as Float32Array;
  };
  test("is PyTorch's: uniform within 1/sqrt(fan_in)", () => {
    const bound = 1 / Math.sqrt(9 * 2);
    const values = kernel(conv({ hidden_channel: 64 }));
    const largest = Math.max(...values.map(Math.abs));
    expect(largest).toBeLessThanOrEqual(bound);
    expect(largest).toBeGreaterThan(0.97 * bound);
    const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
    expect(Math.abs(mean)).toBeLessThan(0.1 * bound);
  });
  test('is a function of seed and name', () => {
    const start = kernel(conv({ seed: 1 }));
    expect(kernel(conv({ seed: 1 }))).toEqual(start);
    expect(kernel(conv({ seed: 2 }))).not.toEqual(start);
    expect(kernel(conv({ seed: 1, name: 'clif2' }))).not.toEqual(start);
  });
});

describe('membrane parameters', () => {
  const soma = (layer: FcLif | Lif) =>
    Object.fromEntries(
      layer.weights
        .filter((w) => /\/(alpha|beta|theta|v_0)$/.test(w.originalName))
        .map((w) => [w.originalName.split('/').at(-1), { shape: w.shape, trainable: w.trainable }]),
    );
  const built = (soma_params: ConstructorParameters<typeof FcLif>[0]['soma_params']) => {
    const layer = new FcLif({ hidden_channel: 5, soma_params, name: 'flif1' });
    layer.apply(tf.zeros([1, 2, 3]));
    return layer;
  };
  test('are shared by the layer and fixed by default', () => {
    expect(soma(built('all_share'))['alpha']).toEqual({ shape: [], trainable: false });
  });
  test('may differ by channel', () => {
    expect(soma(built('channel_share'))['theta']).toEqual({ shape: [5], trainable: false });
  });
  test('are trained when asked', () => {
    const layer = built({ learn: true });
    expect(soma(layer)['alpha']).toEqual({ shape: [], trainable: true });
    const x = tf.randomNormal([2, 6, 3], 0, 1, 'float32', 5);
    const { grads } = tf.variableGrads(
      () => (layer.apply(x, { training: true }) as tf.Tensor).sum() as tf.Scalar,
    );
    const slope = (name: string) => {
      const variable = layer.weights.find((w) => w.originalName === `flif1/${name}`)!.read() as tf.Variable;
      return grads[variable.name]!.dataSync()[0]!;
    };
    expect(Math.abs(slope('alpha'))).toBeGreaterThan(0);
    expect(Math.abs(slope('theta'))).toBeGreaterThan(0);
  });
  test('null draws from a seeded normal', () => {
    const read = () =>
      built({ alpha: null, shape: [5] }).weights.find((w) => w.originalName === 'flif1/alpha')!;
    expect(read().read().dataSync()).toEqual(read().read().dataSync());
    expect(new Set(read().read().dataSync()).size).toBe(5);
  });
});

test('two layers are independent: one shared by channel leaves the other alone (upstream mixes them up)', () => {
  const first = new Lif2d({ soma_params: 'channel_share' });
  const second = new Lif2d({ soma_params: 'all_share' });
  const x = tf.ones([1, 2, 3, 3, 4]);
  first.apply(x);
  second.apply(x);
  expect(first.weights[0]!.shape).toEqual([4]);
  expect(second.weights[0]!.shape).toEqual([]);
});

test('nothing of one sample reaches the next call', () => {
  const layer = conv();
  const x = tf.randomUniform([2, 5, 6, 6, 2], 0, 3, 'float32', 1);
  const first = (layer.apply(x) as tf.Tensor).dataSync();
  layer.apply(tf.onesLike(x));
  expect((layer.apply(x) as tf.Tensor).dataSync()).toEqual(first);
});

test('a sequence in two pieces, state handed over, is the whole sequence', () => {
  const layer = conv({ mode: 'analog' });
  const x = tf.randomUniform([2, 6, 6, 6, 2], 0, 3, 'float32', 1);
  const whole = layer.apply(x) as tf.Tensor;
  const first = layer.run(x.slice([0, 0], [-1, 4]));
  const second = layer.run(x.slice([0, 4], [-1, 2]), { state: first.state });
  expectClose(tf.concat([first.out, second.out], 1).dataSync(), whole.dataSync(), 1e-6);
});

test('use_inner_loop and it_batch change nothing', () => {
  const x = tf.randomUniform([3, 4, 6, 6, 2], 0, 3, 'float32', 1);
  const plain = conv({ seed: 1 }).apply(x) as tf.Tensor;
  const inner = conv({ seed: 1, use_inner_loop: true, it_batch: 1 }).apply(x) as tf.Tensor;
  expect(inner.dataSync()).toEqual(plain.dataSync());
});

describe('noise', () => {
  const noisy = conv({ noise: 0.5, mode: 'analog', memb_mode: [2, null] });
  const x = () => tf.randomUniform([2, 3, 6, 6, 2], 0, 1, 'float32', 1);
  const run = (training: boolean, iteration: number) => {
    noisy.apply(tf.zeros([1, 1, 6, 6, 2]));
    return noisy.run(x(), { training, iteration }).out.dataSync();
  };
  test('comes in training only, and is a function of the iteration', () => {
    expect(run(true, 1)).toEqual(run(true, 1));
    expect(run(true, 1)).not.toEqual(run(true, 2));
    expect(run(false, 1)).toEqual(run(false, 2));
  });
});

describe('spike_func', () => {
  test.each<[SpikeFunc | undefined, string, Record<string, number>]>([
    [undefined, 'rectangle', { threshold: 0, region: 0.5 }],
    [null, 'rectangle', { threshold: 0, region: 0.5 }],
    ['ArcTan', 'arctan', { alpha: 2 }],
    [{ type: 'FastSigmoid', slope: 10 }, 'fast_sigmoid', { slope: 10 }],
  ])('%j', (spike_func, name, args) => {
    expect(new Lif({ spike_func }).surrogate).toMatchObject({ name, args });
  });
  test('changes the gradient, not the spikes', () => {
    const x = tf.randomUniform([2, 5, 8], 0, 1, 'float32', 4);
    const rectangle = new Lif({});
    const arctan = new Lif({ spike_func: 'ArcTan' });
    expect((arctan.apply(x) as tf.Tensor).dataSync()).toEqual((rectangle.apply(x) as tf.Tensor).dataSync());
    const slope = (layer: Lif) =>
      tf
        .grad((v: tf.Tensor) => layer.apply(v) as tf.Tensor)(x)
        .dataSync();
    expect(slope(arctan)).not.toEqual(slope(rectangle));
  });
});

describe('errors name the layer and the remedy', () => {
  test.each<[string, () => unknown, string]>([
    ['feed_back', () => conv({ feed_back: true as never }), 'layer "clif1": feed_back is not supported'],
    ['hidden_channel', () => conv({ hidden_channel: 0 }), 'hidden_channel is 0; give a whole number above 0'],
    [
      'kernel',
      () => conv({ kernel_size: [3, 3, 3] }),
      'kernel_size is [3,3,3]; give a whole number >= 1, or two',
    ],
    ['groups', () => conv({ groups: 3 }), "hidden_channel 4 can't be split into 3 groups"],
    ['noise', () => conv({ noise: -1 }), 'noise is -1; give 0 or more'],
    ['mode', () => conv({ mode: 'spikes' as never }), 'mode "spikes" is unknown; use "spike" or "analog"'],
    ['tap', () => conv({ memb_mode: [4, 'relu'] }), 'memb_mode[0] is 4; use 0, 1, 2 or 3'],
    ['activation', () => conv({ memb_mode: [0, 'elu' as never] }), 'memb_mode[1] "elu" is unknown'],
    [
      'surrogate',
      () => conv({ spike_func: 'Arctan' }),
      'spike_func "Arctan" is unknown. Did you mean "ArcTan"?',
    ],
    [
      'its argument',
      () => conv({ spike_func: { type: 'ArcTan', alfa: 1 } }),
      'spike_func.alfa is unknown; ArcTan has alpha',
    ],
    ['statistics', () => conv({ statistics: 'epoch' as never }), 'statistics "epoch" is unknown'],
    [
      'channels',
      () => conv({ input_channel: 3 }).apply(tf.zeros([1, 1, 8, 8, 2])),
      'input_channel is 3, but the input has 2 channels',
    ],
    ['rank', () => conv().apply(tf.zeros([1, 8, 8, 2])), 'needs [B, T, H, W, C], got [1, 8, 8, 2]'],
    [
      'size',
      () => conv({ mp: true, padding: 0 }).apply(tf.zeros([1, 1, 3, 3, 2])),
      'has nothing left of an input of 3x3',
    ],
    [
      'soma word',
      () => new Lif({ soma_params: 'layer_share' as never, name: 'a' }).apply(tf.zeros([1, 1, 2])),
      'soma_params "layer_share" is unknown',
    ],
    [
      'soma count',
      () => new Lif({ soma_params: { alpha: [1, 2, 3] }, name: 'a' }).apply(tf.zeros([1, 1, 2])),
      'soma_params has 3 values where the layer has 2 channels',
    ],
    [
      'soma key',
      () => new Lif({ soma_params: { tau: 2 } as never, name: 'a' }).apply(tf.zeros([1, 1, 2])),
      'soma_params.tau is unknown',
    ],
    [
      'soma value',
      () => new Lif({ soma_params: { theta: NaN }, name: 'a' }).apply(tf.zeros([1, 1, 2])),
      'soma_params.theta is NaN',
    ],
    ['Lif1d', () => new Lif1d({ name: 'a' }).apply(tf.zeros([1, 1, 2, 2, 2])), 'use Lif2d for images'],
    ['Lif2d', () => new Lif2d({ name: 'a' }).apply(tf.zeros([1, 1, 2])), 'use Lif1d for vectors'],
    [
      'norm_state',
      () => new Lif1d({ norm_state: 6, name: 'a' }).apply(tf.zeros([1, 1, 2])),
      'was told 6 channels and gets an input with 2',
    ],
    [
      'FcLif rank',
      () => new FcLif({ hidden_channel: 2, name: 'a' }).apply(tf.zeros([1, 1, 2, 2, 2])),
      'put OverTime(flatten) in front of it',
    ],
    [
      'FcLif channels',
      () => new FcLif({ hidden_channel: 2, input_channel: 3, name: 'a' }).apply(tf.zeros([1, 1, 2])),
      'input_channel is 3, but the input has 2 features',
    ],
  ])('%s', (_, make, message) => {
    expect(make).toThrow(message);
  });
});

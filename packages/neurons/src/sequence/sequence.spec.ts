import { startEngine, tf } from '@bidl/engine';
import { expectClose } from '@bidl/testing';
import { Aggregation } from '../layers/aggregation.js';
import { BatchNorm } from '../layers/batch-norm.js';
import { Conv2d } from '../layers/conv2d.js';
import { Conv2dLif } from '../layers/conv2d-lif.js';
import { Lif } from '../layers/lif.js';
import { MaxPool2d } from '../layers/max-pool2d.js';
import { OverTime } from '../layers/over-time.js';
import { namedWeights } from '../weights/named-weights.js';
import { sequence } from './sequence.js';

beforeAll(async () => {
  expect((await startEngine({ backend: 'tensorflow' })).fused).toBe(true);
});

const conv = (name: string, hidden_channel: number, mode: 'spike' | 'analog' = 'spike') =>
  new Conv2dLif({
    name,
    hidden_channel,
    kernel_size: 3,
    padding: 1,
    mode,
    soma_params: { theta: 0.1, alpha: 0.7 },
    seed: 3,
  });
const halve = (name: string) => new OverTime(tf.layers.maxPooling2d({ poolSize: 2, strides: 2, name }));

const at = (layer: tf.layers.Layer, ...x: tf.SymbolicTensor[]) =>
  layer.apply(x.length === 1 ? (x[0] as tf.SymbolicTensor) : x) as tf.SymbolicTensor;

/** Convolutions and poolings of every kind: alone behind neurons, behind neurons that something else reads, of 3x3. */
function network(size = 12): tf.LayersModel {
  const input = tf.input({ shape: [null, size, size, 2], name: 'input' });
  const first = at(halve('mp1'), at(conv('clif1', 8), input));
  const second = at(conv('clif2', 8), first);
  const joined = at(tf.layers.add({ name: 'add' }), at(conv('clif3', 8, 'analog'), second), second);
  const third = at(new MaxPool2d({ name: 'mp3', kernel_size: 2 }), at(conv('clif4', 16), joined));
  const fourth = at(
    new MaxPool2d({ name: 'mp4', kernel_size: 3, stride: 2, padding: 1 }),
    at(conv('clif5', 16), third),
  );
  const flat = at(new OverTime(tf.layers.flatten({ name: 'flat' })), fourth);
  const logits = at(new OverTime(tf.layers.dense({ name: 'head', units: 4 })), flat);
  return tf.model({
    inputs: input,
    outputs: at(new Aggregation({ name: 'mean', mode: 'mean' }), logits),
    name: 'net',
  });
}

const frames = (steps: number, seed = 1) =>
  tf.cast(tf.less(tf.randomUniform([2, steps, 12, 12, 2], 0, 1, 'float32', seed), 0.3), 'float32');

test.each([true, false])(
  'it is what the model gives, gradients and running statistics too; training %s',
  (training) => {
    const model = network();
    const x = frames(3);
    const variables = namedWeights(model).flatMap(({ variable, trainable }) => (trainable ? [variable] : []));
    const before = model.getWeights().map((w) => w.clone());
    const pass = (run: () => tf.Tensor) => {
      model.setWeights(before);
      const { value, grads } = tf.variableGrads(() => tf.sum(tf.square(run())) as tf.Scalar, variables);
      const after = model.getWeights().map((w) => Array.from(w.dataSync()));
      return {
        value: value.dataSync()[0],
        grads: variables.map((v) => Array.from(grads[v.name].dataSync())),
        after,
      };
    };
    const want = pass(() => model.apply(x, { training }) as tf.Tensor);
    const got = pass(() => sequence(model).run(x, { training }));
    expect(got.value).toBeCloseTo(want.value, 6);
    expect(got.after).toEqual(want.after);
    got.grads.forEach((gradient, i) => expectClose(gradient, want.grads[i], { atol: 1e-6, rtol: 1e-4 }));
  },
);

test('poolings that alone follow neurons run in their pass; others and watched ones are layers of their own', async () => {
  const model = network();
  const x = frames(2);
  const seen: string[] = [];
  const watch = (layer: tf.layers.Layer) => void seen.push(layer.name);
  const pools = async (run: () => void) => {
    const { kernels } = await tf.profile(() => {
      run();
      return tf.scalar(0);
    });
    return kernels.filter(({ name }) => name === 'MaxPool').length;
  };
  expect(await pools(() => sequence(model).run(x))).toBe(1);
  expect(await pools(() => sequence(model).run(x, { watch }))).toBe(3);
  expect(seen).toEqual(expect.arrayContaining(['clif1', 'mp1', 'add', 'mp3', 'mp4', 'head', 'mean']));
});

/** Neurons behind BatchNorm behind convolutions with a bias, one of which another layer reads too. */
function normedNetwork(): tf.LayersModel {
  const input = tf.input({ shape: [null, 12, 12, 2], name: 'input' });
  const convolved = (name: string, stride: number, x: tf.SymbolicTensor) =>
    at(new Conv2d({ name, out_channels: 16, kernel_size: 3, stride, padding: 1, seed: 2 }), x);
  const fired = (name: string, x: tf.SymbolicTensor) =>
    at(new Lif({ name, soma_params: { theta: 1, alpha: 0.5 } }), x);
  const first = fired('lif1', at(new BatchNorm({ name: 'norm1' }), convolved('conv1', 1, input)));
  const shared = convolved('conv2', 2, first);
  const second = fired('lif2', at(new BatchNorm({ name: 'norm2' }), shared));
  return tf.model({
    inputs: input,
    outputs: fired('lif3', at(tf.layers.add({ name: 'add' }), second, shared)),
  });
}

test.each([true, false])('watching a network changes no spike and no statistics; training %s', (training) => {
  const model = normedNetwork();
  const x = frames(4);
  const before = model.getWeights().map((w, i) => tf.add(w, tf.randomUniform(w.shape, 0, 0.1, 'float32', i)));
  const pass = (watch?: (layer: tf.layers.Layer) => void) => {
    model.setWeights(before);
    const spikes = sequence(model).run(x, { training, watch }).dataSync();
    return { spikes, after: model.getWeights().map((w) => w.dataSync()) };
  };
  const seen: string[] = [];
  const watched = pass(({ name }) => void seen.push(name));
  expect(seen).toEqual(['conv1', 'norm1', 'lif1', 'conv2', 'norm2', 'lif2', 'add', 'lif3']);
  expect(new Set(watched.spikes)).toEqual(new Set([0, 1]));
  expect(pass()).toEqual(watched);
});

test('nothing is left behind', () => {
  const model = network();
  const x = frames(3);
  const count = () => {
    sequence(model).run(x).dispose();
    return tf.memory().numTensors;
  };
  count();
  expect(count()).toBe(count());
});

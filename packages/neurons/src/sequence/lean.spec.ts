import { startEngine, tf, valueAndGradients } from '@bidl/engine';
import { Aggregation } from '../layers/aggregation.js';
import { BatchNorm } from '../layers/batch-norm.js';
import { Conv2d } from '../layers/conv2d.js';
import { Conv2dLif } from '../layers/conv2d-lif.js';
import { Conv2dLifPlus } from '../layers/conv2d-lif-plus.js';
import { SeededDropout } from '../layers/dropout.js';
import { FcLif } from '../layers/fc-lif.js';
import { Lif2d } from '../layers/lif.js';
import { OverTime } from '../layers/over-time.js';
import type { Form } from '../layers/spiking-layer.js';
import type { NetworkState } from '../stepper/stepper.js';
import { walk } from '../stepper/walk.js';
import { namedWeights } from '../weights/named-weights.js';
import type { Memory } from './execute.js';
import { inParts } from './in-parts.js';
import { betweenSpikes } from './segments.js';
import { sequence } from './sequence.js';

beforeAll(async () => {
  expect((await startEngine({ backend: 'tensorflow' })).fused).toBe(true);
});

/** Convolutions with BatchNorm in the recurrence, pooling, noise, LIF and LIF+, a residual block, dropout, a linear layer. */
function network(form: Form, mode: 'spike' | 'analog' = 'spike'): tf.LayersModel {
  const input = tf.input({ shape: [null, 12, 12, 2], name: 'input' });
  const at = (layer: tf.layers.Layer, ...x: tf.SymbolicTensor[]) =>
    layer.apply(x.length === 1 ? (x[0] as tf.SymbolicTensor) : x) as tf.SymbolicTensor;
  const common = { mode, form, seed: 3, soma_params: { theta: 0.1, alpha: 0.7, learn: true } };
  const window = { kernel_size: 3, padding: 1 };
  const first = at(
    new OverTime(tf.layers.maxPooling2d({ poolSize: 2, strides: 2, name: 'mp1' })),
    at(new Conv2dLif({ ...common, ...window, name: 'clif1', hidden_channel: 16, noise: 0.1 }), input),
  );
  const second = at(
    new Conv2dLifPlus({ ...window, mode, form, seed: 3, name: 'clif2', hidden_channel: 16 }),
    first,
  );
  const branch = at(
    new BatchNorm({ name: 'norm' }),
    at(new Conv2d({ ...window, name: 'conv', out_channels: 16 }), second),
  );
  const third = at(new Lif2d({ ...common, name: 'lif' }), at(tf.layers.add({ name: 'add' }), branch, second));
  const flat = at(new OverTime(tf.layers.flatten({ name: 'flat' })), third);
  const fourth = at(
    new FcLif({ ...common, name: 'flif', hidden_channel: 24, norm_state: true }),
    at(new SeededDropout({ name: 'drop', rate: 0.4, seed: 5 }), flat),
  );
  const logits = at(new OverTime(tf.layers.dense({ name: 'head', units: 4 })), fourth);
  return tf.model({
    inputs: input,
    outputs: at(new Aggregation({ name: 'mean', mode: 'mean' }), logits),
    name: 'net',
  });
}

const frames = (steps: number, seed = 1) =>
  tf.cast(tf.less(tf.randomUniform([3, steps, 12, 12, 2], 0, 1, 'float32', seed), 0.3), 'float32');
const bits = (t: tf.Tensor) => Array.from(t.dataSync());

/** Loss, gradients and weights after a pass, as numbers. */
function pass(model: tf.LayersModel, run: (model: tf.LayersModel) => tf.Tensor) {
  const variables = namedWeights(model).flatMap(({ variable, trainable }) => (trainable ? [variable] : []));
  const before = model.getWeights().map((w) => w.clone());
  const { value, grads } = valueAndGradients(() => tf.sum(tf.square(run(model))), variables);
  const after = model.getWeights().map(bits);
  model.setWeights(before);
  const found = { value: bits(value), after, grads: grads.map((g) => g && bits(g)) };
  tf.dispose([value, ...before, ...grads.flatMap((g) => g ?? [])]);
  return found;
}

test.each([
  ['auto', 'spike'],
  ['auto', 'analog'],
  ['composed', 'spike'],
] as const)('lean gives the same bits: form %s, mode %s', (form, mode) => {
  const model = network(form, mode);
  const x = frames(4);
  const run = (memory: Memory) =>
    pass(model, () => sequence(model).run(x, { training: true, iteration: 7, memory }));
  const full = run('full');
  const lean = run('lean');
  expect(full.grads.filter((g) => g?.some((v) => v !== 0)).length).toBeGreaterThan(15);
  expect(lean).toEqual(full);
});

test('lean gives the same bits in parts, and the same state', () => {
  const model = network('auto');
  const { run } = inParts(model);
  const [first, second] = tf.split(frames(6), 2, 1) as [tf.Tensor, tf.Tensor];
  const through = (memory: Memory) => {
    const { state } = run(first, { training: true, memory });
    let last: NetworkState = {};
    const made = pass(model, () => {
      const part = run(second, { training: true, memory, state });
      last = Object.fromEntries(
        Object.entries(part.state).map(([layer, tensors]) => [
          layer,
          Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, tf.keep(t.clone())])),
        ]),
      );
      return part.out;
    });
    const states = Object.entries(last).map(([layer, tensors]) => [
      layer,
      Object.entries(tensors).map(([name, t]) => [name, bits(t)]),
    ]);
    return { made, states };
  };
  const weights = model.getWeights().map((w) => w.clone());
  const full = through('full');
  model.setWeights(weights);
  expect(through('lean')).toEqual(full);
});

test('the gradient of the input is there for those who ask', () => {
  const model = network('auto');
  const x = frames(3);
  const gradient = (memory: Memory) =>
    bits(tf.grad((t: tf.Tensor) => tf.sum(sequence(model).run(t, { memory })))(x));
  const full = gradient('full');
  expect(full.some((v) => v !== 0)).toBe(true);
  expect(gradient('lean')).toEqual(full);
});

test('those who look on see every layer', () => {
  const model = network('auto');
  const x = frames(3);
  const seen = (memory: Memory) => {
    const names: string[] = [];
    sequence(model).run(x, { memory, watch: ({ name }) => void names.push(name) });
    return names;
  };
  expect(seen('lean')).toEqual(seen('full'));
});

test('what lies between spikes is computed again together', () => {
  const { places, output } = walk(network('auto'));
  const segments = betweenSpikes(places, output).map((s) => [
    s.repeatable,
    s.places.map((p) => p.layer.name),
  ]);
  expect(segments).toEqual([
    [true, ['clif1']],
    [true, ['mp1', 'clif2']],
    [true, ['conv', 'norm', 'add', 'lif']],
    [true, ['flat', 'drop', 'flif']],
    [false, ['head']],
    [false, ['mean']],
  ]);
});

test('what draws other numbers at every call, or advances weights in it, is kept', () => {
  const input = tf.input({ shape: [null, 6] });
  const drawn = tf.layers.dropout({ name: 'drop', rate: 0.5 }).apply(input) as tf.SymbolicTensor;
  const norm = new OverTime(tf.layers.batchNormalization({ name: 'norm' }));
  const flif = new FcLif({ name: 'flif', hidden_channel: 3 });
  const made = flif.apply(norm.apply(drawn) as tf.SymbolicTensor) as tf.SymbolicTensor;
  const { places, output } = walk(tf.model({ inputs: input, outputs: made }));
  expect(betweenSpikes(places, output).map(({ repeatable }) => repeatable)).toEqual([false, false, true]);
});

test('lean takes less at its peak, and nothing is left behind', async () => {
  const model = network('auto');
  const x = frames(8);
  const peak = async (memory: Memory) => {
    const before = tf.memory();
    const { kernels } = await tf.profile(() => {
      pass(model, () => sequence(model).run(x, { training: true, memory }));
      return [];
    });
    expect(tf.memory().numTensors).toBe(before.numTensors);
    return Math.max(...kernels.map(({ totalBytesSnapshot }) => totalBytesSnapshot)) - before.numBytes;
  };
  expect(await peak('lean')).toBeLessThan(0.6 * (await peak('full')));
});

test('an unknown name is refused with those there are', () => {
  const model = network('auto');
  const memory = 'leen' as Memory;
  expect(() => sequence(model).run(frames(3), { memory })).toThrow(
    /net.*memory "leen" is unknown; use full or lean/,
  );
});

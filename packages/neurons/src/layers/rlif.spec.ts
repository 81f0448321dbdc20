import { defineNeuron } from '@bidl/dynamics';
import { startEngine, tf } from '@bidl/engine';
import { expectClose } from '@bidl/testing';
import { FcLif } from './fc-lif.js';
import { RLif } from './rlif.js';

beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
});

const x = () => tf.randomUniform([2, 6, 3], -1, 2, 'float32', 4);
const rlif = (args: Partial<ConstructorParameters<typeof RLif>[0]> = {}) => {
  const layer = new RLif({ hidden_channel: 4, name: 'rlif1', seed: 1, ...args });
  layer.apply(tf.zeros([1, 1, 3]));
  return layer;
};
const weight = (layer: tf.layers.Layer, name: string) =>
  layer.weights.find((w) => w.originalName === `${layer.name}/${name}`)!;

test('a recurrence of the outputs, worked out: a linear neuron is a linear recurrent network', () => {
  const identity = defineNeuron({
    name: 'identity',
    state: { v: 0 },
    params: { leak: 0.5 },
    step: (o, input, { v }, p) => {
      const u = o.add(input, o.mul(p.leak, v));
      return { out: u, state: { v: u } };
    },
  });
  const layer = rlif({ neuron: identity, norm_state: false });
  const [W, b, R] = ['kernel', 'bias', 'recurrent/kernel'].map((name) => weight(layer, name).read());
  let v: tf.Tensor = tf.zeros([2, 4]);
  const want = tf.unstack(x(), 1).map((input) => {
    v = input.matMul(W!).add(b!).add(v.matMul(R!)).add(v.mul(0.5));
    return v;
  });
  const { out, state } = layer.run(x());
  expectClose(out.dataSync(), tf.stack(want, 1).dataSync(), 1e-5);
  expect(Object.keys(state)).toEqual(['v', 'feedback']);
});

test('without recurrent weights it is FcLif, training and running statistics included', () => {
  const layer = rlif();
  weight(layer, 'recurrent/kernel').write(tf.zeros([4, 4]));
  const plain = new FcLif({ hidden_channel: 4, name: 'rlif1', seed: 1 });
  plain.apply(tf.zeros([1, 1, 3]));
  for (const training of [false, true]) {
    const [got, want] = [layer.run(x(), { training }), plain.run(x(), { training })];
    expectClose(got.out.dataSync(), want.out.dataSync(), 1e-5);
    if (!training) continue;
    expectClose(got.running!.mean.dataSync(), want.running!.mean.dataSync(), 1e-6);
    expectClose(got.running!.variance.dataSync(), want.running!.variance.dataSync(), 1e-6);
  }
});

test('sequence = steps, and a sequence in two pieces', () => {
  const layer = rlif({ mode: 'analog' });
  const whole = layer.run(x());
  let state = layer.initialState([2, 3]);
  const outs = tf.unstack(x(), 1).map((frame) => {
    const next = layer.step(frame, state);
    state = next.state;
    return next.out;
  });
  expectClose(tf.stack(outs, 1).dataSync(), whole.out.dataSync(), 1e-5);
  const first = layer.run(x().slice([0, 0], [-1, 4]));
  const second = layer.run(x().slice([0, 4], [-1, 2]), { state: first.state });
  expectClose(tf.concat([first.out, second.out], 1).dataSync(), whole.out.dataSync(), 1e-5);
});

test('the recurrent weights learn through time', () => {
  const layer = rlif({ spike_func: 'ArcTan' });
  const { grads } = tf.variableGrads(
    () => (layer.apply(x(), { training: true }) as tf.Tensor).square().sum() as tf.Scalar,
  );
  const variable = weight(layer, 'recurrent/kernel').read() as tf.Variable;
  expect(grads[variable.name]!.abs().max().dataSync()[0]).toBeGreaterThan(0);
});

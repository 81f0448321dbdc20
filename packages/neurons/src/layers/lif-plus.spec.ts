import { startEngine, tf } from '@bidl/engine';
import { expectClose } from '@bidl/testing';
import { Conv2dLifPlus } from './conv2d-lif-plus.js';
import { FcLifPlus, type FcLifPlusArgs } from './fc-lif-plus.js';
import { featuresOf, type LifPlusFeatureArgs } from './lif-plus-membrane.js';
import { LifPlus, LifPlus1d, LifPlus2d } from './lif-plus.js';

beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
});

const EVERYTHING: LifPlusFeatureArgs = featuresOf([1, true, 2, 1, 2, 0], 'a');
const fc = (args: Partial<FcLifPlusArgs> = {}) =>
  new FcLifPlus({ name: 'flif1', hidden_channel: 5, seed: 3, ...args });
const x = () => tf.randomUniform([2, 6, 4], -0.5, 1, 'float32', 4);
const built = (layer: FcLifPlus) => {
  layer.apply(tf.zeros([1, 1, 4]));
  return layer;
};
const numbers = (layer: FcLifPlus, name: string) =>
  Array.from(
    layer.weights
      .find((w) => w.originalName === `flif1/${name}`)!
      .read()
      .dataSync(),
  );

describe('parameters', () => {
  test('are those that the features have, by upstream’s names', () => {
    const names = (args: LifPlusFeatureArgs) =>
      built(fc({ norm_state: false, ...args })).weights.map((w) => w.originalName.replace('flif1/', ''));
    expect(names({})).toEqual(['kernel', 'bias', 'tau_recip', 'v_0', 'theta', 'alpha', 'beta']);
    expect(names(EVERYTHING)).toEqual([
      ...['kernel', 'bias', 'epsilon', 'v_g', 'tau_recip', 'v_0', 'epsilon_r', 'v_rr', 'v_ar', 'q_r'],
      ...['epsilon_w', 'b', 'theta', 'v_theta', 'delta_t', 'a', 'v_w', 'alpha', 'beta'],
    ]);
  });
  test('that nobody gives are drawn from U(0, 1) by seed and name, and fixed', () => {
    const layer = built(fc({ ...EVERYTHING, soma_params: { shape: [5], theta: 0.4 } }));
    const drawn = numbers(layer, 'epsilon');
    expect(drawn).toHaveLength(5);
    expect(drawn.every((v) => v > 0 && v < 1)).toBe(true);
    expect(new Set(drawn).size).toBe(5);
    expect(numbers(layer, 'theta')).toEqual(new Array(5).fill(Math.fround(0.4)));
    expect(layer.trainableWeights.map((w) => w.originalName)).not.toContain('flif1/epsilon');
    expect(numbers(built(fc({ ...EVERYTHING, soma_params: { shape: [5] } })), 'epsilon')).toEqual(drawn);
  });
  test('may be trained', () => {
    const layer = built(fc({ ...EVERYTHING, soma_params: { learn: true }, spike_func: 'ArcTan' }));
    const { grads } = tf.variableGrads(
      () => (layer.apply(x(), { training: true }) as tf.Tensor).sum() as tf.Scalar,
    );
    const weight = layer.weights.find((w) => w.originalName === 'flif1/tau_recip')!.read() as tf.Variable;
    expect(Math.abs(grads[weight.name]!.dataSync()[0]!)).toBeGreaterThan(0);
  });
});

describe('sequence = steps', () => {
  test.each(['faithful', 'documented'] as const)('%s', (variant) => {
    for (const code of [0, 1, 2]) {
      const features = featuresOf([code, code > 0, code, 2 - code, code, code], 'a');
      const layer = built(fc({ ...features, variant, mode: 'analog' }));
      const whole = layer.run(x());
      let state = layer.initialState([2, 4]);
      const outs = tf.unstack(x(), 1).map((frame) => {
        const next = layer.step(frame, state);
        state = next.state;
        return next.out;
      });
      expectClose(tf.stack(outs, 1).dataSync(), whole.out.dataSync(), 1e-5, `out ${code}`);
      expectClose(
        state['v']!.dataSync(),
        whole.state['v']!.dataSync(),
        { atol: 1e-5, rtol: 1e-5 },
        `v ${code}`,
      );
    }
  });
});

test('training noise has an effect where the equations have one', () => {
  const noisy = (args: Partial<FcLifPlusArgs>) => {
    const layer = built(fc({ mode: 'analog', memb_mode: [3, null], noise: 0.5, ...args }));
    const run = (iteration: number) => layer.run(x(), { training: true, iteration }).out.dataSync();
    return run(1).some((v, i) => v !== run(2)[i]);
  };
  expect(noisy({})).toBe(false);
  expect(noisy({ memb_decay: 2 })).toBe(true);
  expect(noisy({ variant: 'documented' })).toBe(true);
});

test('layers without a synapse, and a convolution', () => {
  const frames = tf.ones([1, 2, 4, 4, 3]);
  expect((new LifPlus().apply(frames) as tf.Tensor).shape).toEqual([1, 2, 4, 4, 3]);
  expect((new LifPlus2d({ norm_state: 3 }).apply(frames) as tf.Tensor).shape).toEqual([1, 2, 4, 4, 3]);
  expect((new LifPlus1d().apply(x()) as tf.Tensor).shape).toEqual([2, 6, 4]);
  const conv = new Conv2dLifPlus({ hidden_channel: 6, kernel_size: 3, stride: 2, padding: 1 });
  expect((conv.apply(frames) as tf.Tensor).shape).toEqual([1, 2, 2, 2, 6]);
  expect(conv.noise).toBe(1e-3);
  expect(new Conv2dLifPlus({ hidden_channel: 6, kernel_size: 3, norm_state: false }).normPlace).toBe('none');
});

test("survives tfjs's own saving and loading", async () => {
  const input = tf.input({ shape: [6, 4] });
  const layer = fc({ ...EVERYTHING, variant: 'documented', soma_params: { epsilon: 0.3, v_theta: 0.9 } });
  const model = tf.model({ inputs: input, outputs: layer.apply(input) as tf.SymbolicTensor });
  const topology = JSON.parse(model.toJSON(null, true) as string) as object;
  const loaded = await tf.models.modelFromJSON({ modelTopology: topology } as never);
  loaded.setWeights(model.getWeights());
  expect((loaded.apply(x()) as tf.Tensor).dataSync()).toEqual((model.apply(x()) as tf.Tensor).dataSync());
});

describe('errors name the layer and the remedy', () => {
  test.each<[string, () => unknown, string]>([
    [
      'code',
      () => fc({ input_accum: 3 }),
      'layer "flif1": input_accum is 3; use 0 (CUB), 1 (COBE), 2 (COBA)',
    ],
    ['config', () => featuresOf([1, false, 0], 'flif1'), 'neuron_config has 3 values; give input_accum'],
    ['reversal', () => fc({ rev_volt: true }), 'a reversal voltage needs a conductance'],
    ['parameter', () => built(fc({ soma_params: { tau: 2 } })), 'soma_params.tau is unknown; it has epsilon'],
    ['variant', () => fc({ variant: 'manual' as never }), 'use faithful or documented'],
  ])('%s', (_, make, message) => {
    expect(make).toThrow(message);
  });
});

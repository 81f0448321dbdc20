import { startEngine, tf } from '@bidl/engine';
import * as fc from 'fast-check';
import { Aggregation } from '../layers/aggregation.js';
import { Conv2dLif } from '../layers/conv2d-lif.js';
import { FcLif } from '../layers/fc-lif.js';
import { Lif } from '../layers/lif.js';
import { OverTime } from '../layers/over-time.js';
import type { Form, SpikingLayer } from '../layers/spiking-layer.js';
import type { Stateful } from '../layers/stateful.js';
import { stepper } from './stepper.js';

beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
});

/** Runs a layer step by step: outputs `[B, T, ...]` and the last state. */
function stepThrough(layer: Stateful, x: tf.Tensor) {
  const [batch = 1, , ...rest] = x.shape;
  let state = layer.initialState([batch, ...rest]);
  const outs = tf.unstack(x, 1).map((step) => {
    const result = layer.step(step, state);
    state = result.state;
    return result.out;
  });
  return { out: tf.stack(outs, 1), state };
}

/** Equal within rounding. */
function expectSame(got: tf.Tensor, want: tf.Tensor, what: string): void {
  expect({ what, shape: got.shape }).toEqual({ what, shape: want.shape });
  const [a, b] = [got.dataSync(), want.dataSync()];
  let worst = 0;
  for (let i = 0; i < a.length; i++) {
    worst = Math.max(worst, Math.abs(a[i]! - b[i]!) / Math.max(1, Math.abs(b[i]!)));
  }
  expect({ what, worst: worst <= 1e-5 ? 'fine' : worst }).toEqual({ what, worst: 'fine' });
}

/**
 * 1 for neurons whose spikes are beyond doubt up to each step, `[B, T, ...]`. Two orders of summation round
 * differently, so a membrane within 1e-5 of its threshold may fire in one form and not in the other.
 */
function sure(layer: SpikingLayer, twin: SpikingLayer, x: tf.Tensor): tf.Tensor {
  twin.apply(tf.zerosLike(x));
  twin.weights.forEach((weight, i) => weight.write(layer.weights[i]!.read().clone()));
  const near = twin.run(x).out.abs().less(1e-5).toFloat();
  return near.cumsum(1).equal(0).toFloat();
}

/** Gives running statistics and BatchNorm weights values of a trained layer. */
function unsettle(layer: SpikingLayer, seed: number): void {
  for (const weight of layer.weights) {
    const noise = tf.randomUniform(weight.shape as number[], -0.3, 0.3, 'float32', seed);
    if (weight.originalName.includes('/norm/')) weight.write(weight.read().add(noise));
  }
}

const common = {
  mode: fc.constantFrom('spike' as const, 'analog' as const),
  memb_mode: fc.tuple(
    fc.constantFrom(0, 1, 2, 3),
    fc.constantFrom('relu' as const, 'sigmoid' as const, 'tanh' as const, null),
  ),
  soma_params: fc.oneof(
    fc.constantFrom('all_share' as const, 'channel_share' as const),
    fc.record({
      alpha: fc.double({ min: 0.05, max: 0.95, noNaN: true }),
      beta: fc.double({ min: -0.1, max: 0.1, noNaN: true }),
      theta: fc.double({ min: 0.2, max: 0.9, noNaN: true }),
      v_0: fc.double({ min: -0.2, max: 0.2, noNaN: true }),
    }),
  ),
  norm_state: fc.boolean(),
  seed: fc.integer({ min: 1, max: 2 ** 30 }),
};
const sizes = { batch: fc.integer({ min: 1, max: 4 }), steps: fc.integer({ min: 1, max: 6 }) };

describe.each<Form>(['composed', 'fused'])('every layer, sequence = steps, %s form', (form) => {
  const check = (make: (shown: object) => SpikingLayer, x: tf.Tensor, seed: number) => {
    const layer = make({});
    layer.apply(tf.zerosLike(x));
    unsettle(layer, seed);
    const twin = make({ mode: 'analog', memb_mode: [1, null] });
    const mask = sure(layer, twin, x);
    const whole = layer.run(x);
    const stepped = stepThrough(layer, x);
    expectSame(stepped.out.mul(mask), whole.out.mul(mask), 'out');
    const last = tf.unstack(mask, 1).at(-1)!;
    expectSame(stepped.state['v']!.mul(last), whole.state['v']!.mul(last), 'v');
    layer.dispose();
    twin.dispose();
  };

  test('Conv2dLif', () => {
    const args = fc.record({
      ...common,
      ...sizes,
      height: fc.integer({ min: 4, max: 9 }),
      width: fc.integer({ min: 4, max: 9 }),
      input: fc.constantFrom(2, 4),
      hidden_channel: fc.constantFrom(4, 6),
      kernel_size: fc.constantFrom(1, 2, 3),
      stride: fc.constantFrom(1, 2),
      padding: fc.constantFrom(0, 1),
      groups: fc.constantFrom(1, 2),
      mp: fc.boolean(),
    });
    fc.assert(
      fc.property(args, ({ batch, steps, height, width, input, ...rest }) => {
        const smallest = (Math.min(height, width) + 2 * rest.padding - rest.kernel_size) / rest.stride + 1;
        fc.pre(!rest.mp || smallest >= 2);
        tf.tidy(() => {
          const x = tf.randomUniform([batch, steps, height, width, input], -1, 2, 'float32', rest.seed);
          check((shown) => new Conv2dLif({ ...rest, form, name: 'clif1', ...shown }), x, rest.seed);
        });
      }),
      { numRuns: 40 },
    );
  });

  test('FcLif and Lif', () => {
    const args = fc.record({
      ...common,
      ...sizes,
      input: fc.integer({ min: 1, max: 9 }),
      hidden: fc.integer({ min: 1, max: 9 }),
    });
    fc.assert(
      fc.property(args, ({ batch, steps, input, hidden, ...rest }) => {
        tf.tidy(() => {
          const x = tf.randomUniform([batch, steps, input], -1, 2, 'float32', rest.seed);
          check(
            (shown) => new FcLif({ ...rest, hidden_channel: hidden, form, name: 'flif1', ...shown }),
            x,
            rest.seed,
          );
          check((shown) => new Lif({ ...rest, form, name: 'lif1', ...shown }), x, rest.seed);
        });
      }),
      { numRuns: 40 },
    );
  });
});

/** A small network with a residual sum, both kinds of spiking layer, pooling, and a head after the mean. */
function residual(steps: number | null = null): tf.LayersModel {
  const input = tf.input({ shape: [steps, 8, 8, 2], name: 'input' });
  const clif = (name: string) =>
    new Conv2dLif({ hidden_channel: 4, kernel_size: 3, padding: 1, mode: 'analog', seed: 1, name });
  const a = clif('clif1').apply(input) as tf.SymbolicTensor;
  const b = clif('clif2').apply(a) as tf.SymbolicTensor;
  const sum = tf.layers.add({ name: 'add' }).apply([a, b]) as tf.SymbolicTensor;
  const lif = new Lif({ name: 'lif', mode: 'analog' }).apply(sum) as tf.SymbolicTensor;
  const rest = [
    new OverTime(tf.layers.maxPooling2d({ poolSize: 2, strides: 2, name: 'mp' })),
    new OverTime(tf.layers.flatten({ name: 'flat' })),
    new FcLif({ hidden_channel: 5, mode: 'analog', seed: 1, name: 'flif' }),
    new Aggregation({ mode: 'mean', name: 'mean' }),
    tf.layers.dense({ units: 3, activation: 'relu', name: 'head' }),
  ];
  const output = rest.reduce((x, layer) => layer.apply(x) as tf.SymbolicTensor, lif);
  return tf.model({ inputs: input, outputs: output, name: 'residual' });
}

describe('a network', () => {
  test.each([1, 2, 5])('batch %i: the last step gives what the sequence gives', (batch) => {
    const model = residual();
    const x = tf.randomUniform([batch, 6, 8, 8, 2], 0, 2, 'float32', 7);
    const { initialState, step } = stepper(model);
    let state = initialState(batch);
    expect(Object.keys(state)).toEqual(['clif1', 'clif2', 'lif', 'flif', 'mean']);
    tf.unstack(x, 1).forEach((frame, t) => {
      const result = step(frame, state);
      state = result.state;
      const sofar = x.slice([0, 0], [-1, t + 1]);
      expectSame(result.out, model.apply(sofar) as tf.Tensor, `step ${t}`);
    });
    model.dispose();
  });

  test('leaves the state that it was given, so a step can be taken twice', () => {
    const model = residual();
    const { initialState, step } = stepper(model);
    const frame = tf.ones([1, 8, 8, 2]);
    const first = step(frame, initialState(1));
    const again = [step(frame, first.state).out, step(frame, first.state).out];
    expect(again[0]!.dataSync()).toEqual(again[1]!.dataSync());
    model.dispose();
  });

  test('keeps no tensors: a stream of any length needs the same memory', () => {
    const model = residual();
    const { initialState, step } = stepper(model);
    const frame = tf.ones([1, 8, 8, 2]);
    const run = (steps: number) => {
      let state = initialState(1);
      for (let t = 0; t < steps; t++) {
        const result = step(frame, state);
        tf.dispose(state);
        result.out.dispose();
        state = result.state;
      }
      tf.dispose(state);
      return tf.memory().numTensors;
    };
    expect(run(20)).toBe(run(2));
    model.dispose();
  });

  test('names the layer that mixes time steps', () => {
    const input = tf.input({ shape: [4, 8, 8, 2] });
    const pooled = tf.layers
      .maxPooling3d({ poolSize: [2, 1, 1], strides: [2, 1, 1], name: 'down_t' })
      .apply(input) as tf.SymbolicTensor;
    const model = tf.model({ inputs: input, outputs: new Aggregation().apply(pooled) as tf.SymbolicTensor });
    expect(() => stepper(model)).toThrow(
      'layer "down_t" (MaxPooling3D) sees the whole sequence at once, so the network can\'t run step by step',
    );
  });

  test('names the aggregation that a stream can not have', () => {
    const input = tf.input({ shape: [4, 3] });
    const picked = new Aggregation({ mode: 'pick', idx: -2, name: 'pick' }).apply(input) as tf.SymbolicTensor;
    expect(() => stepper(tf.model({ inputs: input, outputs: picked }))).toThrow('layer "pick" picks step -2');
  });
});

import { startEngine, tf } from '@bidl/engine';
import { expectClose } from '@bidl/testing';
import { inParts } from '../sequence/in-parts.js';
import { stepper } from '../stepper/stepper.js';
import { Aggregation } from './aggregation.js';
import { Delay, type DelayArgs } from './delay.js';
import { FcLif } from './fc-lif.js';

beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
});

/** x_{t−d} of channel c, 0 before the first step, by plain indexing; `[B, T, P, C]`. */
function shifted(x: tf.Tensor, delays: readonly number[]): number[][][][] {
  const given = x.arraySync() as number[][][][];
  return given.map((sample) =>
    sample.map((step, t) =>
      step.map((pixel, p) => pixel.map((_, c) => sample[t - (delays[c] ?? 0)]?.[p]?.[c] ?? 0)),
    ),
  );
}

const x = () => tf.randomNormal([2, 7, 3, 4], 0, 1, 'float32', 5);

test.each<[DelayArgs, number[]]>([
  [{}, [1, 1, 1, 1]],
  [{ delay: 3, max_delay: 5 }, [3, 3, 3, 3]],
  [{ delay: [0, 1, 2, 6] }, [0, 1, 2, 6]],
  [{ delay: [9, 0, 0, 0] }, [9, 0, 0, 0]],
])('%j delays by whole steps, exactly', (args, delays) => {
  expect((new Delay(args).apply(x()) as tf.Tensor).arraySync()).toEqual(shifted(x(), delays));
});

test('a network with delays: sequence = stepper = parts, and it survives saving', async () => {
  const input = tf.input({ shape: [6, 3], name: 'input' });
  const layers = [
    new FcLif({ name: 'flif1', hidden_channel: 4, mode: 'analog', seed: 1 }),
    new Delay({ name: 'delay', delay: [0, 1, 2, 3], max_delay: 4 }),
    new FcLif({ name: 'flif2', hidden_channel: 2, mode: 'analog', seed: 2 }),
    new Aggregation({ name: 'mean' }),
  ];
  const output = layers.reduce((y, layer) => layer.apply(y) as tf.SymbolicTensor, input);
  const model = tf.model({ inputs: input, outputs: output });
  const data = tf.randomNormal([2, 6, 3], 0, 1, 'float32', 2);
  const whole = (model.apply(data) as tf.Tensor).dataSync();

  const { initialState, step } = stepper(model);
  let last = { out: tf.zeros([1]) as tf.Tensor, state: initialState(2) };
  for (const frame of tf.unstack(data, 1)) last = step(frame, last.state);
  expectClose(last.out.dataSync(), whole, 1e-6);

  const { run } = inParts(model);
  const first = run(data.slice([0, 0], [-1, 2]));
  expectClose(run(data.slice([0, 2], [-1, 4]), { state: first.state }).out.dataSync(), whole, 1e-6);

  const topology = JSON.parse(model.toJSON(null, true) as string) as object;
  const loaded = await tf.models.modelFromJSON({ modelTopology: topology } as never);
  loaded.setWeights(model.getWeights());
  expect((loaded.apply(data) as tf.Tensor).dataSync()).toEqual(whole);
});

describe('learned delays', () => {
  const layer = (delay: number[]) => {
    const made = new Delay({ delay: [0, 0, 0, 0], max_delay: 4, learn: true, name: 'delay' });
    made.build([null, null, 3, 4]);
    made.weights[0]!.write(tf.tensor1d(delay));
    return made;
  };
  test('are rounded and kept in range where they are used', () => {
    const out = layer([-0.7, 1.4, 2.6, 9]).apply(x()) as tf.Tensor;
    expect(out.arraySync()).toEqual(shifted(x(), [0, 1, 3, 4]));
  });
  test('have the gradient of one step more; so has the input its own', () => {
    const weights = tf.randomNormal([2, 7, 3, 4], 0, 1, 'float32', 6);
    const loss = (delays: number[], given = x()) =>
      (layer(delays).apply(given) as tf.Tensor).mul(weights).sum() as tf.Scalar;
    const at = [0, 1.2, 2, 2.9];
    const made = layer(at);
    const variable = made.weights[0]!.read() as tf.Variable;
    const { grads } = tf.variableGrads(() => (made.apply(x()) as tf.Tensor).mul(weights).sum() as tf.Scalar);
    const whole = at.map(Math.round);
    const differences = whole.map((d, c) => {
      const more = whole.map((other, k) => (k === c ? d + 1 : other));
      return loss(more).dataSync()[0]! - loss(whole).dataSync()[0]!;
    });
    expectClose(grads[variable.name]!.dataSync(), differences, 1e-4);

    const dx = tf
      .grad((given: tf.Tensor) => loss(at, given as never))(x())
      .arraySync() as number[][][][];
    const w = weights.arraySync() as number[][][][];
    const want = dx.map((sample, b) =>
      sample.map((step, t) =>
        step.map((pixel, p) => pixel.map((_, c) => w[b]![t + whole[c]!]?.[p]?.[c] ?? 0)),
      ),
    );
    expectClose(dx.flat(3), want.flat(3), 1e-5);
  });
  test('find the delay between an input and its echo', () => {
    const spikes = tf.randomUniform([8, 40, 1], 0, 1, 'float32', 3).less(0.3).toFloat();
    const echo = new Delay({ delay: 3 }).apply(spikes) as tf.Tensor;
    // Smooth in time, so that a nearby delay is nearly right.
    const blur = (y: tf.Tensor) =>
      tf.conv1d(y as tf.Tensor3D, tf.tensor3d([1, 2, 3, 4, 3, 2, 1], [7, 1, 1]), 1, 'same');
    const learner = new Delay({ delay: 1, max_delay: 6, learn: true, name: 'echo' });
    learner.build([null, null, 1]);
    const optimizer = tf.train.adam(0.2);
    for (let i = 0; i < 40; i++) {
      const error = () =>
        blur((learner.apply(spikes) as tf.Tensor).sub(echo))
          .square()
          .mean() as tf.Scalar;
      optimizer.minimize(error);
    }
    expect(Math.round(learner.weights[0]!.read().dataSync()[0]!)).toBe(3);
  });
});

test.each<[DelayArgs, string]>([
  [{ delay: 1.5 }, 'delay is 1.5; give whole steps from 0'],
  [{ delay: [1, 7], max_delay: 4 }, 'delay is 7; give whole steps from 0 to max_delay (4)'],
  [{ max_delay: 0 }, 'max_delay is 0; give a whole number above 0'],
  [{ delay: [1, 2] }, 'delay has 2 values where the input has 4 channels; give one value or 4'],
])('%j is refused', (args, message) => {
  expect(() => new Delay(args).apply(x())).toThrow(message);
});

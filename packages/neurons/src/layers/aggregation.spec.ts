import { startEngine, tf } from '@bidl/engine';
import { expectClose, golden, goldenCases, type Tolerance } from '@bidl/testing';
import { Aggregation, type AggregationArgs } from './aggregation.js';

beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
});

describe('against upstream', () => {
  test.each(goldenCases('attention', /^aggregation_/))('%s', (name) => {
    const { get, json } = golden('attention', name);
    const x = tf.tensor(get('x').data as Float32Array, [...get('x').shape]);
    const layer = new Aggregation(json.ctor as AggregationArgs);
    const y = layer.apply(x) as tf.Tensor;
    expect(y.shape).toEqual([...get('y').shape]);
    expect(layer.computeOutputShape(x.shape)).toEqual(y.shape);
    expectClose(y.dataSync(), get('y').data as Float32Array, json.tolerance as Tolerance);
  });
});

describe('what upstream fails at', () => {
  const x = () => tf.tensor([1, 2, 3, 4, 5, 6], [1, 3, 2]);
  test('picks the last step by default', () => {
    const y = new Aggregation({ mode: 'pick' }).apply(x()) as tf.Tensor;
    expect(y.arraySync()).toEqual([[[5, 6]]]);
  });
  test('divides by a given number', () => {
    const y = new Aggregation({ mode: 'mean', divisor: 10 }).apply(x()) as tf.Tensor;
    expectClose(y.dataSync(), [0.9, 1.2], 1e-6);
  });
});

describe('stepping gives the running result, and at the end the sequence form', () => {
  const cases: AggregationArgs[] = [
    { mode: 'mean' },
    { mode: 'mean', divisor: 7 },
    { mode: 'sum' },
    { mode: 'pick' },
    { mode: 'pick', idx: 2 },
  ];
  test.each(cases)('%j', (args) => {
    const x = tf.randomNormal([3, 5, 2, 4], 0, 1, 'float32', 3);
    const layer = new Aggregation(args);
    let state = layer.initialState([3, 2, 4]);
    let out: tf.Tensor | undefined;
    tf.unstack(x, 1).forEach((step, t) => {
      ({ out, state } = layer.step(step, state));
      if (args.idx !== undefined && t < args.idx) return;
      const sofar = layer.apply(x.slice([0, 0, 0, 0], [3, t + 1, 2, 4])) as tf.Tensor;
      expectClose(out.dataSync(), sofar.dataSync(), 1e-6, `step ${t}`);
    });
    expect(out!.shape).toEqual((layer.apply(x) as tf.Tensor).shape);
  });

  test('refuses what a stream does not know', () => {
    const layer = new Aggregation({ mode: 'pick', idx: -2, name: 'last' });
    expect(() => layer.initialState([1, 2])).toThrow('layer "last" picks step -2, counted from the end');
  });
});

test.each([
  [{ mode: 'median' }, 'mode "median" is unknown; use "mean", "sum" or "pick"'],
  [{ mode: 'pick', idx: 9 }, 'idx is 9, but there are 3 steps'],
  [{ mode: 'mean', dim: 4 }, 'dim is 4, but the input has 3 axes'],
  [{ mode: 'mean', divisor: 0 }, 'divisor is 0; give a number above 0'],
])('%j is refused', (args, message) => {
  const x = tf.zeros([1, 3, 2]);
  expect(() => new Aggregation({ ...(args as AggregationArgs), name: 'agg' }).apply(x)).toThrow(
    `layer "agg": ${message}`,
  );
});

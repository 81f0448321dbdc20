import { startEngine, tf } from '@bidl/engine';
import { ndarray } from '@bidl/formats';
import type { StepGraph } from '@bidl/graph';
import { capture } from '../capture/capture.js';
import { foldRecurrentNorm, stateScales } from '../passes/fold-recurrent-norm.js';
import { smallNetwork } from '../testing/small.js';
import { referenceEngine, type StepEngine } from './step-engine.js';
import { compareForced, openComparison } from './teacher-forcing.js';

beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
});

const frames = () => tf.randomUniform([2, 3, 6, 6, 2], 0, 4, 'float32', 7).floor();

test('every layer but the running output is compared, value by value', async () => {
  const model = smallNetwork();
  const found = await compareForced(model, capture(model), frames());
  expect(found.map(({ layer, compared }) => [layer, compared])).toEqual([
    ['clif', 2 * 3 * 144],
    ['pool', 2 * 3 * 36],
    ['flat', 2 * 3 * 36],
    ['flif', 2 * 3 * 5],
    ['mean', 0],
  ]);
  expect(found.every(({ unexplained, maxDifference }) => unexplained === 0 && maxDifference < 1e-5)).toBe(
    true,
  );
});

/** The graph with one weight changed. */
const spoilt = (graph: StepGraph, name: string, by: number): StepGraph => {
  const { data, shape } = graph.weights[name];
  return {
    ...graph,
    weights: {
      ...graph.weights,
      [name]: ndarray(
        data.map((v) => v + by),
        shape,
      ),
    },
  };
};

test('a graph that computes something else is found out, in the layer where it does', async () => {
  const model = smallNetwork();
  const found = await compareForced(model, spoilt(capture(model), 'clif/theta', 0.3), frames());
  const wrong = found.filter(({ unexplained }) => unexplained > 0);
  expect(wrong.map(({ layer }) => layer)).toEqual(['clif']);
});

test('scaled states need their scales', async () => {
  const model = smallNetwork();
  const captured = capture(model);
  const folded = foldRecurrentNorm(captured);
  const blind = await compareForced(model, folded, frames());
  expect(blind.some(({ unexplained }) => unexplained > 0)).toBe(true);
  const scaled = await compareForced(model, folded, frames(), { scales: stateScales(captured, folded) });
  expect(scaled.map(({ unexplained }) => unexplained)).toEqual([0, 0, 0, 0, 0]);
});

test('keeps no tensors', async () => {
  const model = smallNetwork();
  const x = frames();
  const comparison = await openComparison(model, capture(model));
  await comparison.add(x);
  const before = tf.memory().numTensors;
  await comparison.add(x);
  expect(tf.memory().numTensors).toBe(before);
  await comparison.dispose();
});

test('an engine that cannot be opened leaves none of the others open', async () => {
  const model = smallNetwork();
  let open = 0;
  const engine = (graph: StepGraph): StepEngine => {
    if (graph.name.endsWith('flat')) throw new RangeError('no engine');
    open++;
    return { ...referenceEngine(graph), dispose: () => void open-- };
  };
  await expect(openComparison(model, capture(model), { engine })).rejects.toThrow('no engine');
  expect(open).toBe(0);
});

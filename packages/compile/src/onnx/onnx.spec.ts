/** @jest-environment ./src/testing/one-realm-environment.cjs */
import { startEngine, tf } from '@bidl/engine';
import { ndarray, transpose } from '@bidl/formats';
import { createExecutor, roundToHalf, toHalfBits, type StepGraph } from '@bidl/graph';
import { expectClose } from '@bidl/testing';
import fc from 'fast-check';
import * as ort from 'onnxruntime-node';
import { capture } from '../capture/capture.js';
import { optimise, type OptimiseOptions } from '../passes/optimise.js';
import { buildNetwork, everyKind, framesOf, networkPlan } from '../testing/networks.js';
import { smallNetwork } from '../testing/small.js';
import { onnxShape } from './layout.js';
import { sequenceModel, stepModel } from './models.js';

const SAMPLES = 2;

beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
});

const session = (bytes: Uint8Array) => ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });

/** `[n, H, W, C]` as `[n, C, H, W]`, anything else as it is. */
function first(data: Float32Array, n: number, shape: readonly number[]): Float32Array {
  if (shape.length !== 3) return data;
  return transpose(ndarray(data, [n, ...shape]), [0, 3, 1, 2]).data as Float32Array;
}

function last(data: Float32Array, n: number, shape: readonly number[]): Float32Array {
  if (shape.length !== 3) return data;
  return transpose(ndarray(data, [n, ...onnxShape(shape)]), [0, 2, 3, 1]).data as Float32Array;
}

const tensor = (data: Float32Array, n: number, shape: readonly number[]) =>
  new ort.Tensor('float32', first(data, n, shape), [n, ...onnxShape(shape)]);

/** Runs a step with the executor's own inputs and states before it. */
async function onnxStep(
  model: ort.InferenceSession,
  graph: StepGraph,
  frame: Float32Array,
  state: ReadonlyMap<string, Float32Array>,
  n: number,
) {
  const [{ type }] = graph.inputs;
  const feeds: Record<string, ort.Tensor> = { data: tensor(frame, n, type.shape) };
  for (const { key, shape } of graph.states) {
    feeds[`state/${key}`] = tensor(state.get(key)!, n, shape);
  }
  const out = await model.run(feeds);
  const next = graph.states.map(({ key, shape }) => {
    return [key, last(out[`next/${key}`].data as Float32Array, n, shape)] as const;
  });
  return { logits: out['logits'].data as Float32Array, next: new Map(next) };
}

/** Frames of every step, `[n, H, W, C]`. */
function framesBySteps(x: tf.Tensor): Float32Array[] {
  return tf.tidy(() => {
    const frames = x.shape[1] === 1 ? [x.squeeze([1])] : tf.unstack(x, 1);
    return frames.map((frame) => Float32Array.from(frame.dataSync()));
  });
}

/** Ids of the values that decide over a spike, or over a reset. */
const decisions = (graph: StepGraph) =>
  graph.nodes.filter(({ op }) => ['gt', 'fire', 'resetDecay'].includes(op));

/** Whether any decision of a step is within rounding of its threshold: both ways of rounding are right then. */
function isClose(graph: StepGraph, taps: ReadonlyMap<string, Float32Array>): boolean {
  return decisions(graph).some(({ op, inputs: [a, b], attrs }) => {
    const values = (id: string) => taps.get(id) ?? graph.weights[id]?.data;
    const left = values(a)!;
    const right = op === 'fire' ? Float32Array.of(Number(attrs['threshold'])) : values(b)!;
    return left.some((v, i) => Math.abs(v - right[i % right.length]) < 1e-5);
  });
}

test.each<[string, OptimiseOptions]>([
  ['without passes', { foldNorm: false, fuse: false }],
  ['with all passes', {}],
])('onnxruntime = executor on random networks, step by step, %s', async (_, options) => {
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(networkPlan, async (plan) => {
      const model = buildNetwork(plan);
      const graph = optimise(capture(model), options);
      model.dispose();
      const step = await session(stepModel(graph));
      const x = framesOf(plan, SAMPLES);
      const executor = createExecutor(graph);
      const ids = decisions(graph).flatMap(({ inputs }) => inputs);
      const taps = ids.filter((id) => graph.nodes.some((node) => node.id === id));
      let state = executor.initialState(SAMPLES);
      for (const frame of framesBySteps(x)) {
        const want = executor.step([frame], state, taps);
        const got = await onnxStep(step, graph, frame, state, SAMPLES);
        state = want.state;
        if (isClose(graph, want.taps)) continue;
        compared++;
        expectClose(got.logits, want.outputs[0], { atol: 1e-4, rtol: 1e-4 }, 'logits');
        for (const [key, values] of got.next) {
          expectClose(values, want.state.get(key)!, { atol: 1e-4, rtol: 1e-4 }, key);
        }
      }
      x.dispose();
      await step.release();
    }),
    { numRuns: 25, examples: everyKind.map((plan): [typeof plan] => [plan]) },
  );
  expect(compared).toBeGreaterThan(20);
});

const frames = [0, 1, 2].map((t) => Float32Array.from({ length: 72 }, (_, i) => (i * 7 + t * 5) % 4));
const reference = (graph: StepGraph) => {
  const executor = createExecutor(graph);
  let state = executor.initialState(1);
  return frames.map((frame) => {
    const { outputs, state: next } = executor.step([frame], state);
    state = next;
    return outputs[0];
  });
};

test('the sequence model gives what the steps give, last and all, also for a batch', async () => {
  const graph = optimise(capture(smallNetwork()));
  const model = await session(sequenceModel(graph));
  expect(model.inputNames).toEqual(['data']);
  expect(model.outputNames).toEqual(['logits', 'steps/logits']);
  const one = frames.map((frame) => first(frame, 1, [6, 6, 2]));
  const data = Float32Array.from([...one, ...one].flatMap((frame) => [...frame]));
  const out = await model.run({ data: new ort.Tensor('float32', data, [2, 3, 2, 6, 6]) });
  const want = reference(graph);
  const logits = out['logits'].data as Float32Array;
  expectClose(logits.slice(0, 5), want[2], 1e-5, 'first sample');
  expectClose(logits.slice(5), want[2], 1e-5, 'second sample');
  expect(out['steps/logits'].dims).toEqual([3, 2, 5]);
  want.forEach((step, t) => {
    const got = (out['steps/logits'].data as Float32Array).slice(t * 10, t * 10 + 5);
    expectClose(got, step, 1e-5, `step ${t}`);
  });
});

test('bytes in, states in half precision, weights stored in half', async () => {
  const graph = optimise(capture(smallNetwork()), { inputType: 'uint8', storage: 'float16' });
  const full = optimise(capture(smallNetwork()), { inputType: 'uint8' });
  expect(stepModel(graph).length).toBeLessThan(stepModel(full).length + 600);
  const model = await session(stepModel(graph));
  const executor = createExecutor(graph);
  const state = executor.initialState(1);
  const bytes = Uint8Array.from(frames[0]);
  const want = executor.step([bytes], state);
  const feeds: Record<string, ort.Tensor> = {
    data: new ort.Tensor('uint8', Uint8Array.from(first(frames[0], 1, [6, 6, 2])), [1, 2, 6, 6]),
  };
  for (const { key, shape } of graph.states) {
    const zeros = toHalfBits(state.get(key)!);
    feeds[`state/${key}`] = new ort.Tensor('float16', zeros as never, [1, ...onnxShape(shape)]);
  }
  const out = await model.run(feeds);
  expectClose(out['logits'].data as Float32Array, want.outputs[0], 1e-3, 'logits');
  expect(roundToHalf(want.state.get('clif/v')!)).toEqual(want.state.get('clif/v'));
});

test('the same graph gives the same bytes', () => {
  const graph = optimise(capture(smallNetwork()));
  expect(stepModel(graph)).toEqual(stepModel(graph));
  expect(sequenceModel(graph)).toEqual(sequenceModel(graph));
});

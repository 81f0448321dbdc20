import { startEngine, tf } from '@bidl/engine';
import { createExecutor, runSequence, type StepGraph } from '@bidl/graph';
import { Conv2dLif, OverTime } from '@bidl/neurons';
import { capture } from '../capture/capture.js';
import { smallNetwork } from '../testing/small.js';
import { deadCode } from './dead-code.js';
import { foldConstants } from './fold-constants.js';
import { foldSynapticNorm } from './fold-norm.js';
import { foldRecurrentNorm, stateScales } from './fold-recurrent-norm.js';
import { fuseFireReset } from './fuse-fire-reset.js';
import { optimise } from './optimise.js';
import { inputAs, storeFloat16 } from './store.js';

beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
});

const ops = (graph: StepGraph, layer: string) =>
  graph.nodes.filter((node) => node.layer === layer).map(({ op }) => op);

/** Event counts for three steps of one sample. */
const frames = [0, 1, 2].map((t) => Float32Array.from({ length: 72 }, (_, i) => (i * 7 + t * 5) % 4));
const last = (graph: StepGraph, bytes = false) =>
  runSequence(
    createExecutor(graph),
    frames.map((frame) => [bytes ? Uint8Array.from(frame) : frame]),
    1,
  ).outputs.at(-1)?.[0] ?? new Float32Array(0);

const near = (a: Float32Array, b: Float32Array) =>
  Math.max(...a.map((v, i) => Math.abs(v - b[i]) / Math.max(1, Math.abs(b[i]))));

describe('foldSynapticNorm', () => {
  test('a norm between convolution and neurons goes into the convolution', () => {
    const graph = capture(smallNetwork({ norm_state: false }));
    const folded = foldSynapticNorm(graph);
    expect(ops(graph, 'clif')).toContain('affine');
    expect(ops(folded, 'clif')).not.toContain('affine');
    expect(folded.weights).not.toHaveProperty(['clif/norm/scale']);
    expect(near(last(folded), last(graph))).toBeLessThan(1e-5);
  });
  test('behind a max-pooling it stays where a factor is negative', () => {
    const negative = capture(smallNetwork({ norm_state: false, mp: true }));
    expect(ops(foldSynapticNorm(negative), 'clif')).toContain('affine');
  });
  test('behind a max-pooling it goes where all factors are positive', () => {
    const graph = capture(smallNetwork({ norm_state: false, mp: true }));
    const scale = graph.weights['clif/norm/scale'];
    scale.data.forEach((v, i) => (scale.data[i] = Math.abs(v)));
    const folded = foldSynapticNorm(graph);
    expect(ops(folded, 'clif')).not.toContain('affine');
    expect(near(last(folded), last(graph))).toBeLessThan(1e-5);
  });
  test('a tfjs convolution and BatchNormalization become one convolution', () => {
    const input = tf.input({ shape: [3, 6, 6, 2], name: 'input' });
    const layers = [
      new OverTime(
        tf.layers.conv2d({ filters: 3, kernelSize: 3, strides: 2, padding: 'same', name: 'conv' }),
      ),
      new OverTime(tf.layers.batchNormalization({ name: 'bn', movingMeanInitializer: 'ones' })),
      new Conv2dLif({ name: 'clif', hidden_channel: 2, kernel_size: 1 }),
    ];
    const output = layers.reduce<tf.SymbolicTensor>((x, layer) => layer.apply(x) as tf.SymbolicTensor, input);
    const graph = capture(tf.model({ inputs: input, outputs: output }));
    const folded = foldSynapticNorm(graph);
    expect([ops(folded, 'conv'), ops(folded, 'bn')]).toEqual([[], ['conv2d']]);
    expect(near(last(folded), last(graph))).toBeLessThan(1e-5);
  });
});

describe('foldRecurrentNorm', () => {
  test('a norm on input + membrane goes into weights, bias and the state’s factors', () => {
    const graph = capture(smallNetwork());
    const folded = foldRecurrentNorm(graph);
    expect(ops(folded, 'clif')).not.toContain('affine');
    expect(folded.nodes).toHaveLength(graph.nodes.length - 2);
    expect(near(last(folded), last(graph))).toBeLessThan(1e-5);
    const scales = stateScales(graph, folded);
    expect([...scales.keys()]).toEqual(['clif/v', 'flif/v']);
    expect(scales.get('clif/v')).toEqual(graph.weights['clif/norm/scale'].data);
  });
  test('works on the fused form, too', () => {
    const graph = fuseFireReset(capture(smallNetwork()));
    const folded = foldRecurrentNorm(graph);
    expect(ops(folded, 'clif')).toEqual(['conv2d', 'load', 'add', 'fire', 'resetDecay', 'save']);
    expect(near(last(folded), last(graph))).toBeLessThan(1e-5);
  });
  test('a membrane that is seen after its leak keeps its norm', () => {
    const graph = capture(smallNetwork({ mode: 'analog', memb_mode: [3, 'relu'] }));
    const folded = foldRecurrentNorm(graph);
    expect(ops(folded, 'clif')).toContain('affine');
    expect([...stateScales(graph, folded).keys()]).toEqual(['flif/v']);
  });
});

describe('fuseFireReset', () => {
  test('fires and resets in one operation each', () => {
    const fused = fuseFireReset(capture(smallNetwork()));
    expect(ops(fused, 'clif')).toEqual(['conv2d', 'load', 'add', 'affine', 'fire', 'resetDecay', 'save']);
  });
  test('an analog neuron needs no spike then', () => {
    expect(ops(fuseFireReset(capture(smallNetwork())), 'flif')).not.toContain('fire');
  });
  test('is off for channel_share', () => {
    const graph = capture(smallNetwork({ soma_params: 'channel_share' }));
    expect(ops(fuseFireReset(graph), 'clif')).toEqual(ops(graph, 'clif'));
  });
  test('a threshold other than the default is kept', () => {
    const fused = fuseFireReset(capture(smallNetwork({ soma_params: { theta: 0.75 } })));
    const fire = fused.nodes.find(({ op }) => op === 'fire');
    expect(fire?.attrs).toEqual({ threshold: 0.75 });
  });
});

test('foldConstants computes once what never changes, and drops + 0 and x·1', () => {
  const graph = capture(smallNetwork({ norm_state: false, soma_params: { beta: 0 } }));
  const { nodes, weights } = graph;
  const theta = nodes.findIndex(({ op }) => op === 'sub');
  const doubled = {
    ...nodes[theta],
    id: 'clif/twice',
    op: 'add' as const,
    inputs: ['clif/theta', 'clif/theta'],
  };
  const computed = {
    ...graph,
    nodes: [
      ...nodes.slice(0, theta),
      { ...doubled, type: { shape: [], dtype: 'float32' as const } },
      { ...nodes[theta], inputs: [nodes[theta].inputs[0], 'clif/twice'] },
      ...nodes.slice(theta + 1),
    ],
  };
  const folded = foldConstants(computed);
  expect(folded.weights['clif/folded/constant'].data).toEqual(
    Float32Array.of(2 * weights['clif/theta'].data[0]),
  );
  expect(folded.weights).not.toHaveProperty(['clif/beta']);
  expect(folded.nodes.length).toBeLessThan(computed.nodes.length);
  expect(last(folded)).toEqual(last(computed));
});

test('deadCode drops nodes, weights and states that lead nowhere', () => {
  const graph = capture(smallNetwork());
  const [load] = graph.nodes.filter(({ op }) => op === 'load');
  const extra = { ...load, id: 'spare/load', attrs: { key: 'spare/v' }, layer: 'spare' };
  const saved = { ...extra, id: 'spare/save', op: 'save' as const, inputs: ['spare/load'] };
  const [slot] = graph.states;
  const littered: StepGraph = {
    ...graph,
    nodes: [...graph.nodes, extra, saved],
    states: [...graph.states, { ...slot, key: 'spare/v' }],
    weights: { ...graph.weights, 'spare/kernel': graph.weights['clif/kernel'] },
  };
  expect(deadCode(littered)).toEqual(graph);
});

test('storeFloat16 rounds weights and keeps states in half precision', () => {
  const graph = capture(smallNetwork());
  const half = storeFloat16(graph);
  expect(half.states.map(({ dtype }) => dtype)).toEqual(['float16', 'float16', 'float16']);
  expect(half.weights['clif/alpha'].data[0]).toBe(0.300048828125);
  expect(graph.weights['clif/alpha'].data[0]).toBe(Math.fround(0.3));
  expect(near(last(half), last(graph))).toBeLessThan(5e-2);
});

test('bytes as input give what floats give', () => {
  const graph = capture(smallNetwork());
  expect(last(inputAs('uint8')(graph), true)).toEqual(last(graph));
});

test('all passes together', () => {
  const graph = capture(smallNetwork());
  const done = optimise(graph, { inputType: 'uint8' });
  expect(done.nodes.length).toBeLessThan(graph.nodes.length - 8);
  expect(near(last(done, true), last(graph))).toBeLessThan(1e-5);
});

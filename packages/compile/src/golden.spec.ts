import { startEngine, tf } from '@bidl/engine';
import { createExecutor, runSequence, type StepGraph } from '@bidl/graph';
import { Conv2dLif } from '@bidl/neurons';
import { buildClassifier } from '@bidl/models';
import { expectClose, golden, goldenCases, recipe, type Golden } from '@bidl/testing';
import { capture } from './capture/capture.js';
import { stateScales } from './passes/fold-recurrent-norm.js';
import { optimise, type OptimiseOptions } from './passes/optimise.js';
import { goldenFrames, goldenStep, loadUpstream, placeOf } from './testing/golden.js';

beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
});

interface Tolerance {
  readonly atol: number;
  readonly rtol: number;
}
const tolerance = ({ json }: Golden) => json.tolerance as Tolerance;

const FORMS: readonly (readonly [string, OptimiseOptions | undefined])[] = [
  ['as captured', undefined],
  ['fused', { foldNorm: false, fuse: true }],
  ['norm folded', { foldNorm: true, fuse: false }],
  ['all passes', {}],
];

describe.each(FORMS)('%s, against the chip path of upstream', (_, options) => {
  const compiled = (model: tf.LayersModel) => {
    const captured = capture(model);
    const graph = options ? optimise(captured, options) : captured;
    return { graph, scales: stateScales(captured, graph) };
  };

  test.each(goldenCases('chip', /^conv2dlif/))('%s', (name) => {
    const data = golden('chip', name);
    const model = convNetwork(data);
    const { graph, scales } = compiled(model);
    const run = execute(graph, data, ['clif/v']);
    for (const form of ['unfused', 'fused']) {
      const [out, v] = [data.get(`${form}/out`), data.get(`${form}/v`)];
      run.outputs.forEach(([logits], t) => {
        expectClose(logits, goldenStep(out, t), tolerance(data), `${form} out, step ${t}`);
        const membrane = unscaled(run.states[t]['clif/v'], scales.get('clif/v'));
        expectClose(membrane, goldenStep(v, t), tolerance(data), `${form} v, step ${t}`);
      });
    }
    model.dispose();
  });

  test.each(goldenCases('chip', /^clif3fc3dm/))('%s', (name) => {
    const data = golden('chip', name);
    const model = backbone(data);
    const { graph, scales } = compiled(model);
    const layers = ['clif1', 'clif2', 'clif3'];
    expect(graph.states.map(({ key }) => key)).toEqual([...layers.map((layer) => `${layer}/v`), 'tempAdd']);
    const run = execute(graph, data, [...layers.map((layer) => `${layer}/v`), 'tempAdd'], ['head/4/dense']);
    run.outputs.forEach(([logits], t) => {
      expectClose(logits, goldenStep(data.get('running'), t), tolerance(data), `running, step ${t}`);
      expectClose(run.states[t]['tempAdd'], logits, 0, 'the running output is the state');
      const head = run.taps[t].get('head/4/dense') ?? [];
      expectClose(head, goldenStep(data.get('step_logits'), t), tolerance(data), `logits, step ${t}`);
      for (const layer of layers) {
        const membrane = unscaled(run.states[t][`${layer}/v`], scales.get(`${layer}/v`));
        const want = goldenStep(data.get(`v/${layer}.lif`), t);
        expectClose(membrane, want, tolerance(data), `${layer}, step ${t}`);
      }
    });
    const last = run.outputs.at(-1)?.[0] ?? [];
    expectClose(last, data.get('host/logits').data as Float32Array, tolerance(data), 'host');
    model.dispose();
  });
});

test('what the passes leave of a spiking convolution', () => {
  const model = convNetwork(golden('chip', 'conv2dlif_spike'));
  const ops = (graph: StepGraph) => graph.nodes.map(({ op }) => op);
  expect(ops(optimise(capture(model)))).toEqual(['conv2d', 'load', 'add', 'fire', 'resetDecay', 'save']);
  model.dispose();
});

/** Membranes as they were before their factors were folded. */
const unscaled = (membrane: Float32Array, scale: Float32Array | undefined): Float32Array =>
  scale ? membrane.map((v, i) => v / scale[i % scale.length]) : membrane;

function execute(graph: StepGraph, data: Golden, keys: readonly string[], taps: readonly string[] = []) {
  const executor = createExecutor(graph);
  const frames = goldenFrames(data.get('x'));
  const whole = runSequence(
    executor,
    frames.map((frame) => [frame]),
    1,
    taps,
  );
  let state = executor.initialState(1);
  const states = frames.map((frame) => {
    state = executor.step([frame], state).state;
    return Object.fromEntries(keys.map((key) => [key, state.get(key) ?? new Float32Array(0)]));
  });
  return { outputs: whole.outputs, taps: whole.taps, states };
}

function convNetwork(data: Golden): tf.LayersModel {
  const [, t = 0, c = 0, h = 0, w = 0] = data.get('x').shape;
  const input = tf.input({ shape: [t, h, w, c], name: 'input' });
  const ctor = data.json.ctor as unknown as ConstructorParameters<typeof Conv2dLif>[0];
  const layer = new Conv2dLif({ ...ctor, name: 'clif' });
  const output = layer.apply(input) as tf.SymbolicTensor;
  const model = tf.model({ inputs: input, outputs: output, name: 'conv' });
  const names: Record<string, string> = { p0: 'clif', norm: 'clif.norm', lif: 'clif' };
  loadUpstream(model, data.within('param/'), (key) => {
    const [first, ...rest] = key.split('.');
    return placeOf([names[first] ?? `clif.${first}`, ...rest].join('.'));
  });
  return model;
}

function backbone(data: Golden): tf.LayersModel {
  const [, t = 0, c = 0, h = 0, w = 0] = data.get('x').shape;
  const given = Object.entries(data.json.ctor ?? {}).filter(([key]) => key !== 'file');
  const { backbone: model } = buildClassifier(
    {
      type: 'ImageClassifier',
      backbone: { type: data.json.class, ...Object.fromEntries(given) },
      head: { type: 'ClsHead' },
    },
    { inputShape: [t, h, w, c] },
  );
  const features = [128, Math.floor(h / 8), Math.floor(w / 8)] as const;
  loadUpstream(model, recipe({ ...data.json, state_dict: stateDict(data, features) }), placeOf, features);
  return model;
}

/** The rows of the same network at another size: only the first linear layer differs. */
function stateDict(data: Golden, features: readonly number[]): unknown[] {
  const twin = golden('backbones', `clif3fc3dm_itout_${data.name.split('_')[1]}`);
  const inputs = features.reduce((a, b) => a * b, 1);
  return (twin.json['state_dict'] as [number, string, number[], string, string][]).map((row) => {
    const [i, key, shape, ...rest] = row;
    return [i, key, key === 'head.0.weight' ? [shape[0], inputs] : shape, ...rest];
  });
}

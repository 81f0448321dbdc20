import { startEngine, tf } from '@bidl/engine';
import { createExecutor, type StepGraph } from '@bidl/graph';
import { Conv2dLif } from '@bidl/neurons';
import { buildClassifier } from '@bidl/models';
import { expectClose, golden, goldenCases, recipe, type Golden } from '@bidl/testing';
import { capture } from './capture/capture.js';
import { stateScales } from './passes/fold-recurrent-norm.js';
import { optimise, type OptimiseOptions } from './passes/optimise.js';
import { goldenFrames, goldenStep, loadUpstream, resized, type StateRow } from './testing/golden.js';

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

  test.each(goldenCases('chip', /^(clif|resnet)/))('%s', (name) => {
    const data = golden('chip', name);
    const { model, layerAt } = backbone(data);
    const { graph, scales } = compiled(model);
    const layers = [...data.within('v/').keys()].map((place) => [place, layerAt(place)] as const);
    const states = layers.map(([, layer]) => `${layer}/v`);
    expect(graph.states.map(({ key }) => key)).toEqual(expect.arrayContaining([...states, 'tempAdd']));
    expect(graph.states).toHaveLength(Number(data.json['saves_per_step']));
    const run = execute(graph, data, [...states, 'tempAdd']);
    let before: ArrayLike<number> = new Float32Array(run.outputs[0][0].length);
    run.outputs.forEach(([logits], t) => {
      expectClose(logits, goldenStep(data.get('running'), t), tolerance(data), `running, step ${t}`);
      expectClose(run.states[t]['tempAdd'], logits, 0, 'the running output is the state');
      // Upstream noted what the last linear layer gives: logits, or what goes into the last neurons.
      const current = run.taps[t].get('flif2/dense');
      const ofStep = current ?? logits.map((v, i) => (v - before[i]) * graph.timesteps);
      if (!current || scales.size === 0) {
        expectClose(ofStep, goldenStep(data.get('step_logits'), t), tolerance(data), `logits, step ${t}`);
      }
      before = logits;
      for (const [place, layer] of layers) {
        const membrane = unscaled(run.states[t][`${layer}/v`], scales.get(`${layer}/v`));
        expectClose(membrane, goldenStep(data.get(`v/${place}`), t), tolerance(data), `${layer}, step ${t}`);
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

function execute(graph: StepGraph, data: Golden, keys: readonly string[]) {
  const executor = createExecutor(graph);
  const taps = graph.nodes.filter(({ id }) => id === 'flif2/dense').map(({ id }) => id);
  let state = executor.initialState(1);
  const steps = goldenFrames(data.get('x')).map((frame) => {
    const step = executor.step([frame], state, taps);
    state = step.state;
    return step;
  });
  return {
    outputs: steps.map((step) => step.outputs),
    taps: steps.map((step) => step.taps),
    states: steps.map((step) =>
      Object.fromEntries(keys.map((key) => [key, step.state.get(key) ?? new Float32Array(0)])),
    ),
  };
}

function convNetwork(data: Golden): tf.LayersModel {
  const [, t = 0, c = 0, h = 0, w = 0] = data.get('x').shape;
  const input = tf.input({ shape: [t, h, w, c], name: 'input' });
  const ctor = data.json.ctor as unknown as ConstructorParameters<typeof Conv2dLif>[0];
  const layer = new Conv2dLif({ ...ctor, name: 'clif' });
  const output = layer.apply(input) as tf.SymbolicTensor;
  const model = tf.model({ inputs: input, outputs: output, name: 'conv' });
  const params = data.within('param/');
  loadUpstream(model, new Map([...params].map(([key, array]) => [`clif.${key}`, array])));
  return model;
}

function backbone(data: Golden) {
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
  const rows = golden('backbones', TWINS[data.name]).json['state_dict'] as StateRow[];
  const names = loadUpstream(model, recipe({ ...data.json, state_dict: resized(model, rows) }));
  /** The layer of ours at a place of upstream's. */
  const layerAt = (place: string) => names.get(`${place}.alpha`)?.replace(/\/alpha$/, '') ?? '';
  return { model, layerAt };
}

/** A chip case lists no weights; the same network at another size does. */
const TWINS: Readonly<Record<string, string>> = {
  clif3fc3dm_analog: 'clif3fc3dm_itout_analog',
  clif3fc3dm_spike: 'clif3fc3dm_itout_spike',
  clif3flif2dg: 'clif3flif2dg_itout_spike',
  clif5fc2cd: 'clif5fc2cd_itout_analog',
  clifplus3fc3dm: 'clifplus3fc3dm_itout_analog',
  resnetlif18: 'resnetlif18_itout_spike',
};

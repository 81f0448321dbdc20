import { engineInfo, startEngine, tf } from '@bidl/engine';
import { Conv2dLif, namedWeights, SpikingLayer, stepper, type Form } from '@bidl/neurons';
import {
  channelsLast,
  expectClose,
  golden,
  goldenCases,
  oihwToHwio,
  oiToIo,
  recipe,
  transpose,
  type Golden,
  type GoldenJson,
} from '@bidl/testing';
import { CrossEntropyLoss } from '../losses/cross-entropy.js';
import { backbones } from './backbone.js';
import './clif3fc3.js';

type Array = ReturnType<Golden['get']>;
interface Tolerances {
  readonly 'eval/logits': number;
  readonly 'train/logits': number;
  readonly 'eval_after_train/logits': number;
  readonly 'train/loss': number;
  readonly 'train/grad_norms': { readonly rtol: number; readonly atol: number };
  readonly 'means per layer': number;
}

const NAMES = goldenCases('backbones', /^clif3fc3/);
const LAYERS = ['clif1', 'clif2', 'clif3'];

beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
});

describe.each<Form>(['composed', 'fused'])('%s form against upstream', (form) => {
  test('is what this backend can do', () => {
    expect(form === 'composed' || engineInfo().fused).toBe(true);
  });

  test.each(NAMES)('%s', (name) => {
    const data = golden('backbones', name);
    const { json } = data;
    const tolerance = json.tolerance as unknown as Tolerances;
    const model = buildGolden(data, form);
    tf.engine().startScope();
    const x = tensor(channelsLast(data.get('x')));
    const labels = Array.from(data.get('labels').data as Int32Array);

    expect(countParams(model)).toBe(json['trainable_params']);
    load(model, json);
    compareLogits(
      model.apply(x) as tf.Tensor,
      data.get('eval/logits'),
      tolerance['eval/logits'],
      'eval/logits',
    );
    compareMeans(model, x, false, data, 'eval', tolerance['means per layer']);
    compareMeans(model, x, true, data, 'train', tolerance['means per layer']);

    const loss = new CrossEntropyLoss();
    let logits: tf.Tensor | undefined;
    const { value, grads } = tf.variableGrads(() => {
      logits = tf.keep(model.apply(x, { training: true }) as tf.Tensor);
      return loss.compute(logits, labels).asScalar();
    });
    compareLogits(logits!, data.get('train/logits'), tolerance['train/logits'], 'train/logits');
    const wantLoss = Number((data.get('train/loss').data as Float32Array)[0]);
    expect(Math.abs(value.dataSync()[0]! - wantLoss)).toBeLessThanOrEqual(
      tolerance['train/loss'] * Math.max(1, wantLoss),
    );

    const weights = new Map(namedWeights(model).map((w) => [w.name, w]));
    const gradient = (key: string) => grads[weights.get(place(key))!.variable.name]!;
    const keys = json['grad_norm_keys'] as string[];
    const norms = keys.map((key) => gradient(key).norm().dataSync()[0]!);
    expectClose(
      norms,
      data.get('train/grad_norms').data as Float32Array,
      tolerance['train/grad_norms'],
      'gradient norms',
    );
    const { rtol, atol } = tolerance['train/grad_norms'];
    for (const key of ['clif1.p0.weight', 'head.4.weight']) {
      const want = tensor(ours(key, data.get(`train/grad/${key}`), json));
      const distance = gradient(key).sub(want).norm().dataSync()[0]!;
      expect(distance).toBeLessThanOrEqual(rtol * want.norm().dataSync()[0]! + atol);
    }
    for (const [key, want] of data.within('train/after/')) {
      const got = weights.get(place(key))!.variable.dataSync();
      expectClose(got, want.data as Float32Array, { atol: 1e-5, rtol: 1e-4 }, key);
    }

    const after = model.apply(x) as tf.Tensor;
    const end = tolerance['eval_after_train/logits'];
    compareLogits(after, data.get('eval_after_train/logits'), end, 'eval_after_train/logits');
    compareMeans(model, x, false, data, 'eval_after_train', tolerance['means per layer']);

    if (!name.includes('_it_')) {
      const { initialState, step } = stepper(model);
      let state = initialState(x.shape[0]!);
      let out: tf.Tensor | undefined;
      for (const frame of tf.unstack(x, 1)) ({ out, state } = step(frame, state));
      compareLogits(out!, data.get('eval_after_train/logits'), end, 'stepped logits');
    }
    logits!.dispose();
    tf.engine().endScope();
    model.dispose();
  });
});

describe('trainable parameters are as many as upstream has', () => {
  interface Row {
    readonly class: string;
    readonly ctor: { readonly input_channels?: number; readonly h?: number; readonly w?: number };
    readonly trainable: number;
  }
  const rows = (golden('backbones', 'param_counts').json['rows'] as Row[])
    .filter((row) => /^SeqClif3Fc3/.test(row.class))
    .map((row) => [row.class, row.ctor, row.trainable] as const);
  test('in all five rows', () => {
    expect(rows).toHaveLength(5);
  });
  test.each(rows)('%s %j: %i', (type, ctor, want) => {
    const lung = type === 'SeqClif3Fc3LcItout';
    const { input_channels = lung ? 1 : 2, h = lung ? 32 : 40, w = h } = ctor;
    const model = backbones.build({ type, ...ctor }, { inputShape: [8, h, w, input_channels], seed: 1 });
    expect(countParams(model)).toBe(want);
    model.dispose();
  });
});

describe('arguments', () => {
  const build = (args: object, inputShape = [10, 32, 32, 2]) =>
    backbones.build({ type: 'SeqClif3Fc3DmItout', ...args }, { inputShape, seed: 1 }, 'model.backbone');
  test("upstream's two spellings mean the same", () => {
    const names = (args: object) => namedWeights(build(args)).map((w) => [w.name, w.variable.shape]);
    expect(names({ c0: 2, h0: 32, w0: 32 })).toEqual(names({ input_channels: 2, h: 32, w: 32 }));
  });
  test('weights and layers are named by place, also on a second build', () => {
    build({});
    const model = build({});
    expect(
      namedWeights(model)
        .slice(0, 4)
        .map((w) => w.name),
    ).toEqual(['clif1/kernel', 'clif1/bias', 'clif1/norm/gamma', 'clif1/norm/beta']);
    expect(model.layers.map((layer) => layer.name)).toEqual([
      'input',
      'clif1',
      'mp1',
      'clif2',
      'mp2',
      'clif3',
      'mp3',
      'flat',
      'head/0',
      'head/2',
      'head/4',
      'aggregate',
    ]);
  });
  test('the same seed gives the same weights', () => {
    const start = (seed: number) => {
      const model = backbones.build({ type: 'SeqClif3Fc3DmItout' }, { inputShape: [2, 16, 16, 1], seed });
      return namedWeights(model).map((w) => Array.from(w.variable.dataSync().slice(0, 5)));
    };
    expect(start(3)).toEqual(start(3));
    expect(start(4)).not.toEqual(start(3));
  });
  test('learn: true trains decay and threshold', () => {
    const names = namedWeights(build({ soma_params: { learn: true } }))
      .filter((w) => w.trainable)
      .map((w) => w.name);
    expect(names).toEqual(expect.arrayContaining(['clif1/alpha', 'clif3/theta']));
  });
  test('amode sum and pick', () => {
    for (const amode of ['sum', 'pick']) {
      const model = build({ amode });
      expect((model.apply(tf.zeros([2, 10, 32, 32, 2])) as tf.Tensor).shape).toEqual([2, 10]);
    }
  });
  test('samples that pooling would leave nothing of are refused', () => {
    expect(() => build({}, [10, 32, 7, 2])).toThrow(
      'model.backbone.w is 7: three poolings leave nothing of it; use samples of 8 or more',
    );
  });
  test.each<[object, string]>([
    [{ h: 40 }, 'model.backbone.h is 40, but the samples have 32; set it to 32'],
    [
      { c0: 2, input_channels: 3 },
      'model.backbone.input_channels is 3 and model.backbone.c0 is 2: they mean the same',
    ],
    [{ cmode: 'spikes' }, 'model.backbone.cmode'],
    [{ soma_params: 'layer_share' }, 'model.backbone.soma_params'],
    [{ timestep: 0 }, 'model.backbone.timestep'],
    [{ timesteps: 20 }, 'Did you mean "timestep"?'],
    [{ neuron: 'lifplus' }, 'model.backbone.neuron'],
    [{ spike_func: 'Arctan' }, 'Did you mean "ArcTan"?'],
  ])('%j is refused', (args, message) => {
    expect(() => build(args)).toThrow(message);
  });
});

test('sequence = stepper over batch sizes, also 1 and a last partial batch', () => {
  const model = backbones.build(
    { type: 'SeqClif3Fc3DmItout', cmode: 'analog', timestep: 5 },
    { inputShape: [5, 16, 16, 2], seed: 3 },
  );
  const { initialState, step } = stepper(model);
  for (const batch of [1, 4, 3]) {
    tf.tidy(() => {
      const x = tf.randomUniform([batch, 5, 16, 16, 2], 0, 3, 'float32', batch).floor();
      let state = initialState(batch);
      let out: tf.Tensor | undefined;
      for (const frame of tf.unstack(x, 1)) ({ out, state } = step(frame, state));
      expectClose(out!.dataSync(), (model.apply(x) as tf.Tensor).dataSync(), 1e-5, `batch ${batch}`);
    });
  }
  model.dispose();
});

function buildGolden({ json, get }: Golden, form: Form): tf.LayersModel {
  const given = Object.entries(json.ctor ?? {}).filter(([key]) => key !== 'file');
  const ctor = Object.fromEntries(given);
  const [, t = 0, c = 0, h = 0, w = 0] = get('x').shape;
  const model = backbones.build({ type: String(json.class), ...ctor }, { inputShape: [t, h, w, c], seed: 0 });
  for (const layer of model.layers) if (layer instanceof SpikingLayer) layer.form = form;
  return model;
}

const countParams = (model: tf.LayersModel): number =>
  namedWeights(model)
    .filter((w) => w.trainable)
    .reduce((sum, w) => sum + w.variable.size, 0);

const tensor = (array: Array): tf.Tensor =>
  tf.tensor(array.data as Float32Array, [...array.shape], 'float32');

/** Upstream's state_dict key to our name: `clif1.lif.norm.weight` is `clif1/norm/gamma`. */
function place(key: string): string {
  const parts = key.split('.');
  const last = parts.at(-1)!;
  if (parts[0] === 'head') return `head/${parts[1]}/${last === 'weight' ? 'kernel' : 'bias'}`;
  const norm: Record<string, string> = {
    weight: 'gamma',
    bias: 'beta',
    running_mean: 'mean',
    running_var: 'variance',
  };
  if (parts.includes('norm')) return `${parts[0]}/norm/${norm[last]}`;
  if (parts.includes('lif')) return `${parts[0]}/${last}`;
  return `${parts[0]}/${last === 'weight' ? 'kernel' : 'bias'}`;
}

/** An array in our layout: channels last, and the first linear layer's inputs in the order of our flatten. */
function ours(key: string, array: Array, json: GoldenJson): Array {
  if (!key.endsWith('.weight') || key.includes('norm')) return array;
  if (array.shape.length === 4) return oihwToHwio(array);
  if (key !== 'head.0.weight') return oiToIo(array);
  const { h, w } = json.ctor as { h: number; w: number };
  const [out = 0] = array.shape;
  const image = { ...array, shape: [out, 128, Math.floor(h / 8), Math.floor(w / 8)] };
  const turned = transpose(image, [2, 3, 1, 0]);
  return { ...turned, shape: [array.shape[1]!, out] };
}

function load(model: tf.LayersModel, json: GoldenJson): void {
  const weights = new Map(namedWeights(model).map((w) => [w.name, w]));
  for (const [key, array] of recipe(json)) {
    if (key.endsWith('num_batches_tracked')) continue;
    const { variable } = weights.get(place(key))!;
    variable.assign(tensor(ours(key, array, json)).reshape(variable.shape));
  }
}

/** max|got − want| / max(1, max|want|), as the fixtures define it. */
function compareLogits(got: tf.Tensor, want: Array, allowed: number, label: string): void {
  const [a, b] = [got.dataSync(), want.data as Float32Array];
  expect({ label, size: a.length }).toEqual({ label, size: b.length });
  const largest = b.reduce((m, v) => Math.max(m, Math.abs(v)), 1);
  const worst = b.reduce((m, v, i) => Math.max(m, Math.abs(a[i]! - v)), 0) / largest;
  expect({ label, worst: worst <= allowed ? 'within tolerance' : worst }).toEqual({
    label,
    worst: 'within tolerance',
  });
}

/** Mean output and mean |membrane| of every spiking layer at every step. Leaves the running statistics alone. */
function compareMeans(
  model: tf.LayersModel,
  x: tf.Tensor,
  training: boolean,
  { get }: Golden,
  group: string,
  allowed: number,
): void {
  const [, steps = 0] = x.shape;
  const outs: number[][] = Array.from({ length: steps }, () => []);
  const membranes: number[][] = Array.from({ length: steps }, () => []);
  tf.tidy(() => {
    let y = x;
    for (const name of LAYERS) {
      const layer = model.getLayer(name) as Conv2dLif;
      const whole = layer.run(y, { training }).out;
      tf.unstack(whole, 1).forEach((out, t) => outs[t]!.push(out.mean().dataSync()[0]!));
      for (let t = 0; t < steps; t++) {
        const { state } = layer.run(y.slice([0, 0], [-1, t + 1]), { training });
        membranes[t]!.push(state['v']!.abs().mean().dataSync()[0]!);
      }
      y = model.getLayer(name.replace('clif', 'mp')).apply(whole) as tf.Tensor;
    }
  });
  const compare = (got: number[][], key: string) =>
    expectClose(got.flat(), get(`${group}/${key}`).data as Float32Array, allowed, `${group}/${key}`);
  compare(outs, 'lif_out_mean');
  compare(membranes, 'lif_v_absmean');
}

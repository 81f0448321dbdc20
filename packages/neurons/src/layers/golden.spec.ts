import { LIF_PLUS_PARAMS } from '@bidl/dynamics';
import { engineInfo, startEngine, tf } from '@bidl/engine';
import {
  channelsLast,
  expectClose,
  golden,
  goldenCases,
  oihwToHwio,
  oiToIo,
  transpose,
  type Golden,
  type Tolerance,
} from '@bidl/testing';
import { Conv2dLif } from './conv2d-lif.js';
import { Conv2dLifPlus } from './conv2d-lif-plus.js';
import { FcLif } from './fc-lif.js';
import { FcLifPlus } from './fc-lif-plus.js';
import { LifPlus1d } from './lif-plus.js';
import { Lif, Lif1d, Lif2d } from './lif.js';
import type { Form, SpikingLayer } from './spiking-layer.js';

type Array = ReturnType<Golden['get']>;
type Args = Record<string, unknown>;

const NAMES = goldenCases('neurons');

beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
});

test('every case of the golden data is here', () => {
  expect(NAMES).toHaveLength(158);
});

const FORMS: [Form, string[]][] = [
  ['composed', NAMES],
  ['fused', NAMES.filter((name) => !name.includes('plus_'))],
];

describe.each(FORMS)('%s form', (form, names) => {
  test('is what this backend can do', () => {
    expect(form === 'composed' || engineInfo().fused).toBe(true);
  });

  test.each(names)('%s', (name) => {
    const data = golden('neurons', name);
    const tolerance = data.json.tolerance as Tolerance;
    const training = data.json['mode'] === 'train';
    tf.engine().startScope();
    const layer = build(data, form);
    const x = tensor(sequence(data, 'x'));
    const w = tensor(sequence(data, 'w'));
    layer.apply(tf.zerosLike(x));
    load(layer, data);
    const close = (got: tf.Tensor, want: Array, label: string) =>
      expectClose(got.dataSync(), want.data as Float32Array, tolerance, label);

    const before = read(layer);
    const trainable = layer.weights.filter((weight) => weight.trainable);
    const variables = trainable.map((weight) => weight.read());
    let out: tf.Tensor | undefined;
    const [dx, ...grads] = tf.grads((input: tf.Tensor) => {
      out = tf.keep(layer.apply(input, { training }) as tf.Tensor);
      return out.mul(w).sum();
    })([x, ...variables]);
    close(out!, sequence(data, 'out'), 'out');
    close(dx!, sequence(data, 'grad/x'), 'grad/x');
    for (const [key, want] of data.within('grad/')) {
      if (key === 'x') continue;
      const at = trainable.findIndex((weight) => placeOf(weight.originalName) === OURS[short(key)]);
      expect(at).toBeGreaterThanOrEqual(0);
      close(grads[at]!, ours(key, want), `grad/${key}`);
    }

    const after = read(layer);
    for (const [key, want] of data.within('after/')) {
      expectClose(after.get(OURS[short(key)]!)!, want.data as Float32Array, tolerance, `after/${key}`);
    }
    for (const name of ['norm/mean', 'norm/variance']) {
      if (!training && before.has(name)) expect(after.get(name)).toEqual(before.get(name));
    }

    // The membrane after each step: the state at the end of each beginning of the sequence.
    const [, steps = 0] = x.shape;
    const [v] = data.arrays.has('v') ? [sequence(data, 'v')] : [];
    if (v) {
      const states = Array.from({ length: steps }, (_, t) => {
        const part = x.slice(
          x.shape.map(() => 0),
          x.shape.map((size, i) => (i === 1 ? t + 1 : size)),
        );
        restore(layer, before);
        return layer.run(part, { training }).state['v']!;
      });
      close(tf.stack(states, 1), v, 'v');
    } else {
      restore(layer, before);
      close(layer.run(x, { training }).state['v']!, channelsLast(data.get('v_last')), 'v_last');
    }

    if (!training) {
      let state = layer.initialState([x.shape[0]!, ...x.shape.slice(2)]);
      const outs = tf.unstack(x, 1).map((step) => {
        const result = layer.step(step, state);
        state = result.state;
        return result.out;
      });
      close(tf.stack(outs, 1), sequence(data, 'out'), 'stepped out');
    }
    out!.dispose();
    layer.dispose();
    tf.engine().endScope();
  });
});

/** Our layer for a golden case. */
function build({ json, arrays }: Golden, form: Form): SpikingLayer {
  const ctor = (json.ctor ?? {}) as Args;
  const learn = [...arrays.keys()].some((key) => /^grad\/(.*\.)?alpha$/.test(key));
  const soma = ctor['soma_params'] as Args | string | undefined;
  const args: Args = { ...ctor, form, name: 'neuron' };
  delete args['norm'];
  // Upstream's inner loop takes the statistics of a BatchNorm in front of the neurons over the whole sequence.
  if (ctor['use_inner_loop'] === true) args['statistics'] = 'sequence';
  if (typeof soma === 'object') args['soma_params'] = { ...soma, learn };
  const kind = String(json.class).split('.').at(-1);
  switch (kind) {
    case 'Lif':
      return new Lif(args);
    case 'Lif1d':
      return new Lif1d(args);
    case 'Lif2d':
      return new Lif2d(args);
    case 'FcLif':
      return new FcLif(args as never);
    case 'Conv2dLif':
      return new Conv2dLif(args as never);
    case 'LifPlus1d':
      return new LifPlus1d(args);
    case 'FcLifPlus':
      return new FcLifPlus(args as never);
    case 'Conv2dLifPlus':
      return new Conv2dLifPlus(args as never);
    default:
      throw new Error(`no layer for ${kind}`);
  }
}

/** Upstream's names of the parameters, without what stands before them, and ours. */
const OURS: Record<string, string> = {
  'p0.weight': 'kernel',
  'p0.bias': 'bias',
  'norm.weight': 'norm/gamma',
  'norm.bias': 'norm/beta',
  'norm.running_mean': 'norm/mean',
  'norm.running_var': 'norm/variance',
  ...Object.fromEntries(Object.keys(LIF_PLUS_PARAMS).map((name) => [name, name])),
};
const short = (key: string): string => key.replace(/^lif(plus)?\./, '');
const placeOf = (name: string): string => name.replace(/^neuron\//, '');

function ours(key: string, array: Array): Array {
  if (short(key) !== 'p0.weight') return array;
  return array.shape.length === 4 ? oihwToHwio(array) : oiToIo(array);
}

/** `[B, T, H, W, C]` or `[B, T, F]` of what the case stores. */
function sequence({ get, json }: Golden, key: string): Array {
  const array = get(key);
  if (typeof json['T'] === 'number') {
    const [, ...rest] = array.shape;
    const folded = { ...array, shape: [json['T'], Number(json['B']), ...rest] };
    return transpose(folded, [1, 0, 3, 4, 2]);
  }
  return array.shape.length === 5 ? channelsLast(array) : array;
}

const tensor = (array: Array): tf.Tensor =>
  tf.tensor(array.data as Float32Array, [...array.shape], 'float32');

function load(layer: SpikingLayer, data: Golden): void {
  const given = data.within('param/');
  for (const [key, array] of given) {
    if (key.endsWith('num_batches_tracked')) continue;
    const weight = layer.weights.find((w) => placeOf(w.originalName) === OURS[short(key)]);
    expect(weight).toBeDefined();
    weight!.write(tensor(ours(key, array)).reshape(weight!.shape as number[]));
  }
}

const read = (layer: SpikingLayer): Map<string, Float32Array> =>
  new Map(layer.weights.map((w) => [placeOf(w.originalName), w.read().dataSync().slice() as Float32Array]));

function restore(layer: SpikingLayer, values: Map<string, Float32Array>): void {
  for (const weight of layer.weights) {
    weight.write(tf.tensor(values.get(placeOf(weight.originalName))!, weight.shape as number[]));
  }
}

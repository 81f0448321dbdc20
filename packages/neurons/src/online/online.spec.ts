import { startEngine, tf } from '@bidl/engine';
import { expectClose, golden, goldenCases, type Tolerance } from '@bidl/testing';
import { AdaptiveFcLif, AdaptiveFcLifScale, type AdaptiveFcLifArgs } from '../layers/adaptive-fc-lif.js';
import { advanceTraces, hebbian, stdp, zeroTraces, type Rates } from './plasticity.js';
import { Rstdp, type RstdpArgs } from './rstdp.js';

beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
});

const numbers = (array: { readonly data: ArrayLike<unknown> }) => array.data as Float32Array;

test('every online case of the golden data is here', () => {
  const names = [...goldenCases('online', /^rstdp/), ...goldenCases('online', /^adaptivefclif/)];
  expect(names.sort()).toEqual(goldenCases('online'));
});

describe('RSTDP against upstream', () => {
  test.each(goldenCases('online', /^rstdp/))('%s', (name) => {
    const { get, json } = golden('online', name);
    const ctor = json.ctor as unknown as RstdpArgs & { nu: Rates };
    const factor = String(json['method']).startsWith('update_scale') ? 5000 : 1;
    const rule = new Rstdp({ ...ctor, nu: [ctor.nu[0] * factor, ctor.nu[1] * factor] });
    const [steps = 0, inputs = 0] = get('pre').shape;
    const row = (key: string, t: number) => {
      const array = get(key);
      const size = array.shape.slice(1).reduce((n, m) => n * m, 1);
      return numbers(array).slice(t * size, (t + 1) * size);
    };
    let traces = rule.initialTraces(inputs);
    for (let t = 0; t < steps; t++) {
      const spikes = { pre: tf.tensor1d(row('pre', t)), post: tf.tensor1d(row('post', t)) };
      const learned = rule.learn(traces, spikes, tf.tensor1d(row('label', t)));
      traces = learned.traces;
      const tolerance = json.tolerance as Tolerance;
      expectClose(learned.deltaW.dataSync(), row('delta_w', t), tolerance, `delta_w ${t}`);
      expectClose(traces.pre.dataSync(), row('trace_pre', t), { atol: 1e-6, rtol: 1e-6 }, `pre ${t}`);
      expectClose(traces.post.dataSync(), row('trace_post', t), { atol: 1e-6, rtol: 1e-6 }, `post ${t}`);
    }
  });
});

describe('AdaptiveFcLif against upstream', () => {
  test.each(goldenCases('online', /^adaptivefclif/))('%s', (name) => {
    const { get, json } = golden('online', name);
    const Layer = name.endsWith('_scale') ? AdaptiveFcLifScale : AdaptiveFcLif;
    const layer = new Layer(json.ctor as unknown as AdaptiveFcLifArgs);
    const [steps = 0, features = 0] = get('x').shape;
    const x = tf.tensor(numbers(get('x')), [1, steps, features]) as tf.Tensor3D;
    layer.apply(x);
    const w0 = tf.tensor2d(numbers(get('w0')), get('w0').shape as [number, number]);
    layer.adopt(w0);
    const label = tf.tensor1d(numbers(get('label')));
    const finetune = numbers(get('finetune'));
    const tolerance = json.tolerance as Tolerance;
    const { out, kernels, state } = layer.learn(x, label, { finetune });
    expectClose(out.dataSync(), numbers(get('out')), tolerance, 'out');
    expectClose(tf.stack([...kernels]).dataSync(), numbers(get('w')), tolerance, 'w');
    expectClose(state['v']!.dataSync(), numbers(get('v')).slice(-4), tolerance, 'v');
    // As a function: the layer itself still has the weights that it began with, until it adopts others.
    expect(layer.weights[0]!.read().dataSync()).toEqual(w0.dataSync());

    const first = layer.learn(x.slice([0, 0], [1, 4]), label, { finetune: finetune.slice(0, 4) });
    layer.adopt(first.kernels.at(-1)!);
    const rest = layer.learn(x.slice([0, 4], [1, -1]), label, {
      finetune: finetune.slice(4),
      state: first.state,
    });
    expectClose(rest.kernels.at(-1)!.dataSync(), kernels.at(-1)!.dataSync(), 1e-6, 'in two parts');
  });
});

describe('pair-based rules, worked out by hand', () => {
  const decay = Math.exp(-1 / 20);
  const spikes = (pre: number, post: number) => ({ pre: tf.tensor1d([pre]), post: tf.tensor1d([post]) });
  /** ΔW of the second step of two. */
  const second = (rule: typeof stdp, before: [number, number], now: [number, number]) => {
    const traces = advanceTraces(zeroTraces(1, 1), spikes(...before));
    const s = spikes(...now);
    return rule(advanceTraces(traces, s), s, [0.1, 0.2]).dataSync()[0]!;
  };
  test('STDP: pre before post makes the synapse grow, post before pre makes it shrink', () => {
    expect(second(stdp, [1, 0], [0, 1])).toBeCloseTo(0.2 * decay, 6);
    expect(second(stdp, [0, 1], [1, 0])).toBeCloseTo(-0.1 * decay, 6);
  });
  test('Hebb: it grows either way, and not without both', () => {
    expect(second(hebbian, [1, 0], [0, 1])).toBeCloseTo(0.2 * decay, 6);
    expect(second(hebbian, [0, 1], [1, 0])).toBeCloseTo(0.1 * decay, 6);
    expect(second(hebbian, [1, 0], [1, 0])).toBe(0);
  });
});

test('a rewarded group of neurons comes to answer its class', () => {
  const layer = new AdaptiveFcLif({ hidden_channel: 2, class_num: 2, neurons_num: 1, nu: [1e-3, 5e-2] });
  const patterns = [
    [1, 1, 0, 0],
    [0, 0, 1, 1],
  ].map((row) => tf.tile(tf.tensor3d([[row]]), [1, 20, 1]));
  layer.apply(patterns[0]!);
  layer.adopt(tf.fill([4, 2], 0.3));
  for (let epoch = 0; epoch < 4; epoch++) {
    patterns.forEach((x, k) => {
      const { kernels } = layer.learn(x as tf.Tensor3D, tf.oneHot(k, 2).toFloat() as tf.Tensor1D);
      layer.adopt(kernels.at(-1)!);
    });
  }
  patterns.forEach((x, k) => {
    expect((layer.apply(x) as tf.Tensor).sum([0, 1]).argMax().dataSync()[0]).toBe(k);
  });
});

test.each<[Partial<AdaptiveFcLifArgs>, string]>([
  [{ hidden_channel: 5 }, 'hidden_channel is 5, but 2 classes of 2 neurons are 4'],
  [{ norm_state: true as never }, 'norm_state must be false'],
  [{ tau_pre: 0 }, 'tau_pre is 0; give a number above 0'],
  [{ nu: [1] as never }, 'nu is [1]; give two rates, [pre, post]'],
])('%j is refused', (args, message) => {
  expect(() => new AdaptiveFcLif({ hidden_channel: 4, class_num: 2, neurons_num: 2, ...args })).toThrow(
    message,
  );
});

test('a batch of two, and a label that does not fit, are refused', () => {
  const layer = new AdaptiveFcLif({ name: 'a', hidden_channel: 4, class_num: 2, neurons_num: 2 });
  expect(() => layer.learn(tf.zeros([2, 3, 6]), tf.tensor1d([1, 0]))).toThrow('one sample at a time, got 2');
  expect(() => layer.learn(tf.zeros([1, 3, 6]), tf.tensor1d([1, 0, 0]))).toThrow('give spikes [4] and a');
});

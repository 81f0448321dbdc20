import { referenceScan, type NeuronDefinition, type ReferenceScan, type Surrogate } from '@bidl/dynamics';
import { expectClose } from '@bidl/testing';
import * as tf from '@tensorflow/tfjs';
import { neuronScan } from '../scan.js';
import type { ScanForm } from '../types.js';

/** A scan with everything that goes into it; numbers come from the seed. */
export interface ScanCase {
  readonly neuron: NeuronDefinition;
  readonly surrogate: Surrogate;
  readonly batch: number;
  readonly steps: number;
  readonly pixels: number;
  readonly channels: number;
  /** Parameters per channel; one for the layer otherwise. */
  readonly perChannel: boolean;
  readonly norm: 'none' | 'train' | 'eval';
  readonly withState: boolean;
  readonly withBias: boolean;
  readonly seed: number;
}

/** Reproducible numbers in [-1, 1). */
function numbers(seed: number, n: number): Float32Array {
  let s = seed >>> 0;
  return Float32Array.from({ length: n }, () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 2 ** 31 - 1;
  });
}

type Arrays = Readonly<Record<string, Float32Array>>;

/** Everything a case feeds in, as plain arrays. */
function inputsOf(c: ScanCase) {
  const cells = c.batch * c.pixels * c.channels;
  let draw = 0;
  const r = (size: number, scale: number, offset: number) =>
    numbers(c.seed + draw++, size).map((v) => v * scale + offset);
  const around = (record: Readonly<Record<string, number>>, size: number, scale: number): Arrays =>
    Object.fromEntries(Object.entries(record).map(([name, value]) => [name, r(size, scale, value)]));
  return {
    x: r(cells * c.steps, 1.2, 0.3),
    bias: r(c.channels, 0.2, 0.1),
    params: around(c.neuron.params, c.perChannel ? c.channels : 1, 0.2),
    state: around(c.neuron.state, cells, 0.4),
    norm: {
      gamma: r(c.channels, 0.3, 1),
      beta: r(c.channels, 0.2, 0.2),
      mean: r(c.channels, 0.1, 0.2),
      variance: r(c.channels, 0.3, 0.8),
    },
    dout: r(cells * c.steps, 1, 0),
    dstate: around(c.neuron.state, cells, 1),
  };
}

/** What a scan gives: plain arrays by name. */
export interface ScanResults {
  readonly out: ArrayLike<number>;
  readonly final: Readonly<Record<string, ArrayLike<number>>>;
  readonly running?: { readonly mean: ArrayLike<number>; readonly variance: ArrayLike<number> };
  /** By `x`, `bias`, `gamma`, `beta`, `param/<name>`, `state/<name>`. */
  readonly grads: Readonly<Record<string, ArrayLike<number>>>;
}

/** Results and gradients of a case in one form. */
export function runCase(c: ScanCase, form: ScanForm): ScanResults {
  const input = inputsOf(c);
  const shape = [c.batch, c.steps, c.pixels, c.channels];
  const cell = [c.batch, c.pixels, c.channels];
  const named = (prefix: string, arrays: Arrays, make: (a: Float32Array) => tf.Tensor) =>
    Object.fromEntries(Object.entries(arrays).map(([name, a]) => [`${prefix}/${name}`, make(a)]));
  const tensors: Record<string, tf.Tensor> = {
    x: tf.tensor(input.x, shape),
    ...(c.withBias && { bias: tf.tensor1d(input.bias) }),
    ...named('param', input.params, (a) => (c.perChannel ? tf.tensor1d(a) : tf.scalar(a[0]))),
    ...(c.withState && named('state', input.state, (a) => tf.tensor(a, cell))),
    ...(c.norm !== 'none' && { gamma: tf.tensor1d(input.norm.gamma), beta: tf.tensor1d(input.norm.beta) }),
  };
  const keys = Object.keys(tensors);
  const scan = (...t: tf.Tensor[]) => {
    const by: Record<string, tf.Tensor> = Object.fromEntries(keys.map((k, i) => [k, t[i]]));
    const group = (prefix: string, names: object) =>
      Object.fromEntries(Object.keys(names).map((name) => [name, by[`${prefix}/${name}`]]));
    return neuronScan(c.neuron, {
      x: by['x'],
      params: group('param', c.neuron.params),
      ...(c.withState && { state: group('state', c.neuron.state) }),
      ...(c.withBias && { bias: by['bias'] }),
      ...(c.norm !== 'none' && {
        norm: {
          gamma: by['gamma'],
          beta: by['beta'],
          mean: tf.tensor1d(input.norm.mean),
          variance: tf.tensor1d(input.norm.variance),
          epsilon: 1e-5,
          momentum: 0.1,
        },
      }),
      surrogate: c.surrogate,
      training: c.norm === 'train',
      form,
    });
  };
  const results = tf.tidy(() => {
    const { out, state, running } = scan(...Object.values(tensors));
    const grads = tf.grads((...t) => {
      const s = scan(...t);
      // tfjs refuses to differentiate by a tensor that the loss does not touch: touch every one with 0.
      const touch = t.reduce((sum, v) => tf.add(sum, tf.mul(0, tf.sum(v))), tf.scalar(0));
      const finals = Object.entries(s.state).map(([name, v]) =>
        tf.sum(tf.mul(v, tf.tensor(input.dstate[name], cell))),
      );
      return tf.addN([tf.sum(tf.mul(s.out, tf.tensor(input.dout, shape))), ...finals, touch]);
    })(Object.values(tensors)) as tf.Tensor[];
    return {
      out: out.dataSync(),
      final: Object.fromEntries(Object.entries(state).map(([name, v]) => [name, v.dataSync()])),
      ...(running && { running: { mean: running.mean.dataSync(), variance: running.variance.dataSync() } }),
      grads: Object.fromEntries(keys.map((k, i) => [k, grads[i].dataSync()])),
    };
  });
  tf.dispose(tensors);
  return results;
}

/** The same by the reference interpreter. */
export function referenceCase(c: ScanCase, precision: 'float32' | 'float64'): ScanResults {
  const input = inputsOf(c);
  const scanned: ReferenceScan = referenceScan(c.neuron, {
    // The reference knows no bias: it takes an input that has it, rounded as the scan rounds it.
    x: c.withBias ? input.x.map((v, i) => Math.fround(v + input.bias[i % c.channels])) : input.x,
    batch: c.batch,
    steps: c.steps,
    params: input.params,
    ...(c.withState && { state: input.state }),
    ...(c.norm !== 'none' && { norm: input.norm }),
    surrogate: c.surrogate,
    training: c.norm === 'train',
    precision,
  });
  const { x, params, state, gamma, beta } = scanned.backward(input.dout, input.dstate);
  const bias = new Float64Array(c.channels);
  x.forEach((g, i) => (bias[i % c.channels] += g));
  const named = (prefix: string, record: Readonly<Record<string, Float64Array>>) =>
    Object.fromEntries(Object.entries(record).map(([name, g]) => [`${prefix}/${name}`, g]));
  return {
    out: scanned.out,
    final: scanned.trace[c.steps - 1],
    ...(c.norm === 'train' && scanned.running && { running: scanned.running }),
    grads: {
      x,
      bias,
      ...named('param', params),
      ...named('state', state),
      ...(gamma && { gamma }),
      ...(beta && { beta }),
    },
  };
}

const worst = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((m, v, i) => Math.max(m, Math.abs(v - b[i])), 0);
const largest = (a: ArrayLike<number>) => Array.from(a, Math.abs).reduce((m, v) => Math.max(m, v), 0);

/**
 * Holds a form of a case against the reference: values to 2e-5, gradients to 1e-5 of the largest. Without a norm a fused
 * scan has the very operations of the float32 reference: then its outputs are the same numbers.
 *
 * @returns false where float32 and float64 references part, because rounding has moved a spike: nothing to compare
 */
export function equalsReference(c: ScanCase, form: 'fused' | 'composed'): boolean {
  const single = referenceCase(c, 'float32');
  const double = referenceCase(c, 'float64');
  if (worst(single.out, double.out) > 1e-4 || worst(single.grads['x'], double.grads['x']) > 1e-3)
    return false;
  const results = runCase(c, form);
  if (form === 'fused' && c.norm === 'none') {
    expectClose(results.out, single.out, { atol: 0, rtol: 0 }, 'out, bit by bit');
  }
  expectClose(results.out, double.out, { atol: 2e-5, rtol: 1e-5 }, 'out');
  for (const [name, values] of Object.entries(results.final)) {
    expectClose(values, double.final[name], { atol: 2e-5, rtol: 1e-5 }, `final ${name}`);
  }
  const scale = Math.max(1, largest(double.grads['x']));
  for (const [name, gradient] of Object.entries(results.grads)) {
    const want = double.grads[name];
    expectClose(gradient, want, { atol: 1e-5 * Math.max(scale, largest(want)), rtol: 1e-5 }, `d${name}`);
  }
  if (results.running && double.running) {
    expectClose(results.running.mean, double.running.mean, { atol: 1e-5, rtol: 1e-4 }, 'running mean');
    expectClose(
      results.running.variance,
      double.running.variance,
      { atol: 1e-5, rtol: 1e-4 },
      'running variance',
    );
  }
  return true;
}

import { expectClose } from '@bidl/testing';
import { NeuronDefinitionError } from '../neuron.js';
import { referenceScan } from '../reference/scan.js';
import { arctan } from '../surrogates/smooth.js';
import { rectangle } from '../surrogates/upstream.js';
import { adex } from './adex.js';
import { alif } from './alif.js';
import { NEURONS, type NeuronName } from './by-name.js';
import { cubaLif } from './cuba-lif.js';
import { integrateAndFire } from './integrate-and-fire.js';
import { leakyIntegrator } from './leaky-integrator.js';
import { plif } from './plif.js';

const STEPS = 60;
/** A fixed input that makes every neuron here fire and fall silent. */
const x = Float64Array.from(
  { length: STEPS },
  (_, t) => 0.45 + 0.6 * Math.sin(0.37 * t) + 0.2 * Math.cos(1.9 * t),
);
const run = (neuron: Parameters<typeof referenceScan>[0], params: Record<string, number[]> = {}) =>
  referenceScan(neuron, { x, batch: 1, steps: STEPS, params, surrogate: rectangle(), precision: 'float64' });
const trace = (scan: ReturnType<typeof run>, name: string) => scan.trace.map((state) => state[name][0]);

/** Runs a peer's loop: one call of `step` for each input gives the spike and what is compared with the state. */
const peer = (step: (input: number) => readonly [spike: boolean, ...values: number[]]) => {
  const rows = Array.from(x, step);
  return {
    spikes: rows.map(([spike]) => Number(spike)),
    values: (k: number) => rows.map((row) => Number(row[k])),
  };
};

function agree(scan: ReturnType<typeof run>, want: ReturnType<typeof peer>, names: readonly string[]): void {
  expect([...scan.out]).toEqual(want.spikes);
  expect(want.spikes).toContain(1);
  expect(want.spikes).toContain(0);
  names.forEach((name, k) => expectClose(trace(scan, name), want.values(k + 1), 1e-12, name));
}

describe("other libraries' equations, written out", () => {
  test.each(['zero', 'subtract'] as const)('IF, reset %s: SpikingJelly IFNode', (reset) => {
    let v = 0;
    const want = peer((input) => {
      v += input;
      const fired = v > 1;
      if (fired) v = reset === 'zero' ? 0 : v - 1;
      return [fired, v];
    });
    agree(run(integrateAndFire({ reset })), want, ['v']);
  });

  test.each([2, 5])('PLIF, τ %i: SpikingJelly ParametricLIFNode(decay_input=True, v_reset=0.1)', (tau) => {
    const w = -Math.log(tau - 1);
    let v = 0;
    const want = peer((input) => {
      v += (input - (v - 0.1)) / tau;
      const fired = v > 0.4;
      if (fired) v = 0.1;
      return [fired, v];
    });
    agree(run(plif(), { w: [w], theta: [0.4], v0: [0.1] }), want, ['v']);
  });

  test('CUBA-LIF, reset subtract: snnTorch Synaptic, whose reset comes a step later', () => {
    let syn = 0;
    let mem = 0;
    const want = peer((input) => {
      const reset = mem > 1 ? 1 : 0;
      syn = 0.7 * syn + input;
      mem = 0.85 * mem + syn - reset;
      return [mem > 1, syn, 0.85 * mem - (mem > 1 ? 1 : 0)];
    });
    agree(run(cubaLif({ reset: 'subtract' }), { alpha: [0.7], beta: [0.85] }), want, ['i', 'v']);
  });

  test('CUBA-LIF, reset zero: Loihi, as Lava has it with du 0.3 and dv 0.15', () => {
    let u = 0;
    let v = 0;
    const want = peer((input) => {
      u = u * (1 - 0.3) + input;
      v = v * (1 - 0.15) + u;
      const fired = v > 1;
      if (fired) v = 0;
      return [fired, u, 0.85 * v];
    });
    agree(run(cubaLif(), { alpha: [0.7], beta: [0.85] }), want, ['i', 'v']);
  });

  test('ALIF: the LSNN of Bellec et al. 2018', () => {
    const [alpha, rho, beta, b0] = [0.8, 0.95, 1.8, 0.1];
    let [V, b, z, B] = [0, 0, 0, b0];
    const want = peer((input) => {
      V = alpha * V + (1 - alpha) * input - B * z;
      b = rho * b + (1 - rho) * z;
      B = b0 + beta * b;
      z = V > B ? 1 : 0;
      return [z === 1, alpha * V - B * z, rho * b + (1 - rho) * z];
    });
    agree(run(alif(), { alpha: [alpha], rho: [rho], beta: [beta], theta: [b0] }), want, ['v', 'a']);
  });

  test('LI: snnTorch Leaky(reset_mechanism="none"), and its closed form', () => {
    const scan = run(leakyIntegrator(), { alpha: [0.8] });
    const closed = Array.from(x, (_, t) =>
      Array.from(x.subarray(0, t + 1)).reduce((sum, input, s) => sum + 0.8 ** (t - s) * input, 0),
    );
    expectClose(scan.out, closed, 1e-12);
  });
});

describe('smooth networks have the derivative that finite differences find', () => {
  /** Inputs, start and step at which the neuron works; those in mV need larger ones. */
  const AT: Partial<Record<NeuronName, { scale: number; width: number; steps: number }>> = {
    Izhikevich: { scale: 10, width: 0.2, steps: 12 },
    AdEx: { scale: 800, width: 0.2, steps: 40 },
    HodgkinHuxley: { scale: 20, width: 0.2, steps: 24 },
  };
  test.each(Object.keys(NEURONS) as NeuronName[])('%s: input, parameters and state', (name) => {
    const neuron = NEURONS[name]();
    const { scale, width, steps } = AT[name] ?? { scale: 1, width: 2, steps: 12 };
    const weights = Array.from({ length: steps }, (_, i) => Math.cos(2 * i));
    type Inputs = Record<string, number[]>;
    const start: Inputs = {
      x: [...x.subarray(0, steps)].map((value) => scale * value),
      ...Object.fromEntries(Object.entries(neuron.params).map(([key, value]) => [`param/${key}`, [value]])),
      ...Object.fromEntries(Object.entries(neuron.state).map(([key, value]) => [`state/${key}`, [value]])),
    };
    const group = (all: Inputs, prefix: string) =>
      Object.fromEntries(
        Object.entries(all)
          .filter(([key]) => key.startsWith(prefix))
          .map(([key, value]) => [key.slice(prefix.length), value]),
      );
    const at = (all: Inputs) =>
      referenceScan(neuron, {
        x: all['x'],
        batch: 1,
        steps,
        params: group(all, 'param/'),
        state: group(all, 'state/'),
        surrogate: arctan({ alpha: width }),
        precision: 'float64',
        smooth: true,
      });
    const dState = Object.fromEntries(Object.keys(neuron.state).map((key, k) => [key, [0.01 * (k + 1)]]));
    const total = (all: Inputs) => {
      const scan = at(all);
      const spikes = scan.out.reduce((sum, value, i) => sum + value * weights[i], 0);
      return Object.entries(dState).reduce((sum, [key, [g]]) => sum + g * scan.trace.at(-1)![key][0], spikes);
    };
    const { x: dx, params, state } = at(start).backward(weights, dState);
    const got: Record<string, ArrayLike<number>> = { x: dx };
    Object.entries(params).forEach(([key, g]) => (got[`param/${key}`] = g));
    Object.entries(state).forEach(([key, g]) => (got[`state/${key}`] = g));
    for (const [key, values] of Object.entries(start)) {
      const slopes = values.map((value, i) => {
        const h = 1e-5 * Math.max(1, Math.abs(value));
        const moved = (d: number) => total({ ...start, [key]: values.map((v, j) => (i === j ? v + d : v)) });
        return (moved(h) - moved(-h)) / (2 * h);
      });
      const size = Math.max(...slopes.map(Math.abs));
      expectClose(got[key], slopes, { atol: 1e-8 + 1e-4 * size, rtol: 1e-4 }, key);
    }
  });
});

test('PLIF learns its decay, and only that', () => {
  expect(NEURONS.PLIF().learn).toEqual(['w']);
});

test('unknown resets and time steps are refused', () => {
  expect(() => cubaLif({ reset: 'none' as 'zero' })).toThrow(NeuronDefinitionError);
  expect(() => plif({ reset: 'soft' as 'zero' })).toThrow('reset "soft" is unknown; use zero, subtract');
  expect(() => adex({ dt: 0 })).toThrow('adex: dt is 0; give the time step in ms, above 0');
});

import { expectClose } from '@bidl/testing';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NeuronDefinition } from '../neuron.js';
import { referenceScan } from '../reference/scan.js';
import { rectangle } from '../surrogates/upstream.js';
import { adex } from './adex.js';
import { hodgkinHuxley } from './hodgkin-huxley.js';
import { izhikevich } from './izhikevich.js';

type Params = Readonly<Record<string, number>>;
interface Case {
  readonly current: number;
  readonly spikes: readonly number[];
}

/** What scipy's solve_ivp makes of the differential equations: testing/make_single_neurons.py. */
const reference = JSON.parse(
  readFileSync(join(__dirname, 'testing/single-neurons.json'), 'utf8'),
) as Readonly<{
  izhikevich: readonly (Case & { name: string; a: number; b: number; c: number; d: number })[];
  adex: readonly (Case & { name: string; a: number; b: number; tau_w: number; v_reset: number })[];
  hodgkin_huxley: readonly (Case & { v: readonly number[] })[];
}>;

/** One neuron per channel, each with its own parameters and constant current, for `time` ms. */
function simulate(
  neuron: NeuronDefinition & { readonly options: { readonly dt: number } },
  cells: readonly Params[],
  current: readonly number[],
  time: number,
) {
  const steps = Math.round(time / neuron.options.dt);
  const scan = referenceScan(neuron, {
    x: Array.from({ length: steps }, () => current).flat(),
    batch: 1,
    steps,
    params: Object.fromEntries(
      Object.keys(cells[0] ?? {}).map((key) => [key, cells.map((cell) => cell[key])]),
    ),
    surrogate: rectangle(),
    precision: 'float64',
  });
  const times = (cell: number) =>
    Array.from({ length: steps }, (_, t) => t)
      .filter((t) => scan.out[t * cells.length + cell] === 1)
      .map((t) => (t + 1) * neuron.options.dt);
  return { times, trace: scan.trace };
}

/** How far the spikes until then are from the reference's, each as a fraction of its own time. */
function distances(got: readonly number[], { spikes }: Case, until: number): number[] {
  const want = spikes.filter((t) => t < until);
  expect(got.length).toBeGreaterThanOrEqual(want.length);
  expect(got.filter((t) => t < 0.9 * until).length).toBeLessThanOrEqual(want.length);
  return want.map((t, i) => ((got[i] ?? NaN) - t) / t);
}

/**
 * Explicit Euler is of first order: spikes come off by a few percent, half as far with half the time step, so that
 * both together tell the limit for steps of 0, which must be the reference.
 */
function converges(coarse: readonly number[], fine: readonly number[], reference: Case, until: number) {
  const [off, offAtHalf] = [coarse, fine].map((times) => distances(times, reference, until));
  expectClose(off, Array(off.length).fill(0), { atol: 0.06, rtol: 0 });
  expectClose(
    off.map((d, i) => 2 * offAtHalf[i] - d),
    Array(off.length).fill(0),
    { atol: 0.01, rtol: 0 },
  );
}

test('Izhikevich: the firing patterns of figure 2 converge to the differential equations', () => {
  const cases = reference.izhikevich;
  const cells = cases.map(({ a, b, c, d }) => ({ a, b, c, d }));
  const currents = cases.map(({ current }) => current);
  const [coarse, fine] = [0.05, 0.025].map((dt) => simulate(izhikevich({ dt }), cells, currents, 110));
  cases.forEach((reference, k) => converges(coarse.times(k), fine.times(k), reference, 105));
});

test("Izhikevich at 1 ms: the paper's own program", () => {
  const neuron = izhikevich();
  const { times, trace } = simulate(neuron, [{}], [10], 300);
  let [v, u] = [-65, -13];
  const fired: number[] = [];
  const potential = Array.from({ length: 300 }, (_, t) => {
    v += 0.5 * (0.04 * v * v + 5 * v + 140 - u + 10);
    v += 0.5 * (0.04 * v * v + 5 * v + 140 - u + 10);
    u += 0.02 * (0.2 * v - u);
    if (v > 30) {
      fired.push(t + 1);
      [v, u] = [-65, u + 8];
    }
    return v;
  });
  expect(fired.length).toBeGreaterThan(5);
  expect(times(0)).toEqual(fired);
  expectClose(
    trace.map((state) => state['v'][0]),
    potential,
    { atol: 0.05, rtol: 1e-3 },
  );
});

test('AdEx: adapting, tonic, bursting and silent converge to the differential equations', () => {
  const cases = reference.adex;
  const cells = cases.map(({ a, b, tau_w, v_reset }) => ({ a, b, tau_w, v_reset, v_peak: -30 }));
  const currents = cases.map(({ current }) => current);
  const [coarse, fine] = [0.04, 0.02].map((dt) => simulate(adex({ dt }), cells, currents, 60));
  cases.forEach((reference, k) => converges(coarse.times(k), fine.times(k), reference, 55));
  expect(coarse.times(3)).toEqual([]);
});

test('Hodgkin-Huxley: spike times within 0.2 ms, membrane within 1.5 mV between spikes', () => {
  const cases = reference.hodgkin_huxley;
  const neuron = hodgkinHuxley();
  const { times, trace } = simulate(
    neuron,
    cases.map(() => ({})),
    cases.map(({ current }) => current),
    50,
  );
  cases.forEach(({ spikes, v, current }, k) => {
    expectClose(times(k), spikes, { atol: 0.2, rtol: 0 }, `spikes at ${current}`);
    const quiet = v.flatMap((_, ms) => (spikes.some((t) => Math.abs(t - ms - 1) < 2) ? [] : [ms]));
    expectClose(
      quiet.map((ms) => trace[Math.round((ms + 1) / neuron.options.dt) - 1]['v'][k]),
      quiet.map((ms) => v[ms]),
      { atol: 1.5, rtol: 0 },
      `membrane at ${current}`,
    );
  });
});

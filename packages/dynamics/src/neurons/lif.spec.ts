import { expectClose } from '@bidl/testing';
import { NeuronDefinitionError } from '../neuron.js';
import { referenceScan } from '../reference/scan.js';
import { arctan, fastSigmoid, sigmoid } from '../surrogates/smooth.js';
import { rectangle } from '../surrogates/upstream.js';
import { lif } from './lif.js';
import type { MembraneTap } from './output.js';

const x = [0.3, 0.3, 0.3, 0.3, 0.6, -0.2, 0.1];
const run = (options: Parameters<typeof lif>[0], input: readonly number[] = x) =>
  referenceScan(lif(options), { x: input, batch: 1, steps: input.length, surrogate: rectangle() });

describe('a single LIF neuron, worked out by hand', () => {
  test('spikes and membrane after the leak', () => {
    const { out, trace } = run({});
    expect(Array.from(out)).toEqual([0, 0, 0, 0, 1, 0, 0]);
    expectClose(
      trace.map(({ v }) => v[0]),
      [0.09, 0.117, 0.1251, 0.12753, 0, -0.06, 0.012],
      { atol: 1e-7, rtol: 1e-6 },
    );
  });

  test.each<[MembraneTap, number[]]>([
    [0, [0.3, 0.39, 0.417, 0.4251, 0.72753, 0, 0.04]],
    [1, [0, 0, 0, 0, 0.22753, 0, 0]],
    [2, [0.3, 0.39, 0.417, 0.4251, 0, 0, 0.04]],
    [3, [0.09, 0.117, 0.1251, 0.12753, 0, 0, 0.012]],
  ])('analog output of tap %i', (tap, want) => {
    expectClose(run({ mode: 'analog', membMode: [tap, 'relu'] }).out, want, { atol: 1e-7, rtol: 1e-6 });
  });

  test('a constant input below threshold settles at x / (1 - alpha)', () => {
    const { trace } = run({}, new Array<number>(60).fill(0.3));
    expectClose([trace[59].v[0] / 0.3], [0.3 / 0.7], { atol: 1e-6, rtol: 0 });
  });

  test('a membrane exactly at the threshold stays silent', () => {
    expect(Array.from(run({}, [0.5]).out)).toEqual([0]);
  });

  test.each(['spike', 'analog'] as const)('backpropagation through time, %s', (mode) => {
    const scan = run({ mode }, [0.4, 0.5, 0.6]);
    expectClose(scan.out, mode === 'spike' ? [0, 1, 1] : [0.4, 0.62, 0.6], { atol: 1e-7, rtol: 1e-6 });
    expectClose(scan.backward([1, 1, 1]).x, [1.14652, 0.814, 1], { atol: 1e-6, rtol: 0 });
  });
});

test('a smooth network has the derivative that finite differences find', () => {
  const input = [0.4, 0.5, 0.6, 0.2, 0.7, 0.45, 0.3, 0.55];
  for (const surrogate of [arctan(), fastSigmoid({ slope: 3 }), sigmoid()]) {
    for (const options of [
      {},
      { mode: 'analog', membMode: [3, 'tanh'] },
      { mode: 'analog', membMode: [1, 'sigmoid'] },
    ] as const) {
      const loss = (values: readonly number[]) =>
        referenceScan(lif(options), {
          x: values,
          batch: 2,
          steps: 4,
          surrogate,
          precision: 'float64',
          smooth: true,
          training: true,
          norm: { gamma: [1.2], beta: [0.1], mean: [0], variance: [1] },
        });
      const weights = input.map((_, i) => Math.cos(3 * i));
      const total = (values: readonly number[]) =>
        loss(values).out.reduce((s, v, i) => s + v * weights[i], 0);
      const h = 1e-5;
      const slopes = input.map((_, i) => {
        const moved = (d: number) => total(input.map((v, j) => (i === j ? v + d : v)));
        return (moved(h) - moved(-h)) / (2 * h);
      });
      expectClose(loss(input).backward(weights).x, slopes, { atol: 1e-7, rtol: 1e-5 });
    }
  }
});

test('unknown options are refused with what is allowed', () => {
  expect(() => lif({ mode: 'spikes' as 'spike' })).toThrow(NeuronDefinitionError);
  expect(() => lif({ membMode: [4 as 3, 'relu'] })).toThrow('use 0, 1, 2 or 3');
  expect(() => lif({ membMode: [0, 'gelu' as 'relu'] })).toThrow('use relu, sigmoid, tanh or null');
});

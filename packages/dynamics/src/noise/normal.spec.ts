import { noiseKey, normalAt } from './normal.js';

const draws = (key: number, count: number) => Array.from({ length: count }, (_, i) => normalAt(key, i));
const mean = (xs: readonly number[]) => xs.reduce((sum, x) => sum + x, 0) / xs.length;

test('the numbers have the moments of a normal distribution, and its quantiles', () => {
  const xs = draws(noiseKey(7, 0, 0), 200_000);
  expect(Math.abs(mean(xs))).toBeLessThan(0.01);
  expect(Math.abs(mean(xs.map((x) => x ** 2)) - 1)).toBeLessThan(0.015);
  expect(Math.abs(mean(xs.map((x) => x ** 3)))).toBeLessThan(0.04);
  expect(Math.abs(mean(xs.map((x) => x ** 4)) - 3)).toBeLessThan(0.08);
  const sorted = xs.toSorted((a, b) => a - b);
  for (const [share, quantile] of [
    [0.025, -1.95996],
    [0.25, -0.67449],
    [0.5, 0],
    [0.9, 1.28155],
    [0.999, 3.09023],
  ] as const) {
    expect(Math.abs((sorted[Math.floor(share * xs.length)] ?? NaN) - quantile)).toBeLessThan(0.05);
  }
});

test('neighbours, steps, samples and seeds are uncorrelated', () => {
  const n = 50_000;
  const reference = draws(noiseKey(1, 2, 3), n + 1);
  const others = {
    neighbour: reference.slice(1),
    step: draws(noiseKey(1, 3, 3), n),
    sample: draws(noiseKey(1, 2, 4), n),
    seed: draws(noiseKey(2, 2, 3), n),
  };
  for (const xs of Object.values(others)) {
    // The correlation of n independent pairs has the standard deviation 1/√n.
    expect(Math.abs(mean(xs.map((x, i) => x * (reference[i] ?? NaN))))).toBeLessThan(4 / Math.sqrt(n));
  }
});

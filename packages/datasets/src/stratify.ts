import { permutation, rngFor } from '@bidl/pipelines';

/**
 * Divides `total` in proportion to `weights`, in whole numbers that add up exactly (largest remainder).
 *
 * @example
 * apportion([1, 1, 1], 10); // [4, 3, 3]
 */
export function apportion(weights: readonly number[], total: number): number[] {
  const sum = weights.reduce((a, b) => a + b, 0);
  if (sum === 0) return weights.map(() => 0);
  const exact = weights.map((weight) => (weight * total) / sum);
  const shares = exact.map(Math.floor);
  const missing = total - shares.reduce((a, b) => a + b, 0);
  exact
    .map((value, i) => ({ i, rest: value - Math.floor(value) }))
    .sort((a, b) => b.rest - a.rest || a.i - b.i)
    .slice(0, missing)
    .forEach(({ i }) => (shares[i] = (shares[i] ?? 0) + 1));
  return shares;
}

/**
 * Draws `count` of the samples so that every class keeps its share; which ones depends on the seed alone.
 *
 * @param byClass the samples of each class
 * @returns the drawn and the other samples, both per class and in their original order
 */
export function drawStratified<T>(
  byClass: readonly (readonly T[])[],
  count: number,
  seed: number,
): { drawn: T[][]; rest: T[][] } {
  const shares = apportion(
    byClass.map((samples) => samples.length),
    count,
  );
  const drawn: T[][] = [];
  const rest: T[][] = [];
  byClass.forEach((samples, label) => {
    const order = permutation(samples.length, rngFor(seed, 'stratify', label));
    const chosen = new Set(order.subarray(0, shares[label]));
    drawn.push(samples.filter((_, i) => chosen.has(i)));
    rest.push(samples.filter((_, i) => !chosen.has(i)));
  });
  return { drawn, rest };
}

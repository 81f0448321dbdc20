import { LayerError } from '../errors.js';

/** @throws LayerError unless `value` is a whole number above 0. */
export function positive(value: number | null | undefined, name: string, layer: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value;
  throw new LayerError(layer, `${name} is ${String(value)}; give a whole number above 0`);
}

/** A number or a pair of them, as a pair. @throws LayerError when a value is no whole number >= `least`. */
export function pair(
  value: number | readonly number[],
  name: string,
  least: number,
  layer: string,
): readonly [number, number] {
  const [a, b = a, ...rest] = typeof value === 'number' ? [value] : value;
  const fine = (n: number | undefined): n is number => Number.isInteger(n) && (n ?? -1) >= least;
  if (fine(a) && fine(b) && rest.length === 0) return [a, b];
  throw new LayerError(
    layer,
    `${name} is ${JSON.stringify(value)}; give a whole number >= ${least}, or two of them (height, width)`,
  );
}

/** @throws LayerError when feedback is asked for. */
export function checkFeedBack(value: unknown, layer: string): void {
  if (value === undefined || value === false || value === null) return;
  throw new LayerError(layer, 'feed_back is not supported (nor is it upstream); leave it out');
}

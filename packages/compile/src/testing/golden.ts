import { tf } from '@bidl/engine';
import { mapTorchWeights } from '@bidl/interop';
import { namedWeights } from '@bidl/neurons';
import { channelsLast, type Golden } from '@bidl/testing';

type Array = ReturnType<Golden['get']>;

/**
 * Writes upstream's weights (by state_dict key, PyTorch's layout) into a network of ours.
 *
 * @returns our names by upstream's
 */
export function loadUpstream(
  model: tf.LayersModel,
  weights: ReadonlyMap<string, Array>,
): ReadonlyMap<string, string> {
  const { weights: ours, report } = mapTorchWeights(model, { weights, others: [] });
  for (const { name, variable } of namedWeights(model)) {
    const array = ours.get(name);
    if (array) tf.tidy(() => variable.assign(tf.tensor(array.data, [...array.shape])));
  }
  return new Map(report.mapped.map(({ from, to }) => [from, to]));
}

/**
 * The rows of a state_dict made for frames of another size: linear layers, in order, have as many inputs as the
 * network's own.
 */
export function resized(model: tf.LayersModel, rows: readonly StateRow[]): StateRow[] {
  const linear = namedWeights(model)
    .filter(({ name, variable }) => name.endsWith('/kernel') && variable.rank === 2)
    .map(({ variable }) => [...variable.shape].reverse());
  return rows.map(([i, key, shape, ...rest]) => [
    i,
    key,
    shape.length === 2 ? (linear.shift() ?? shape) : shape,
    ...rest,
  ]);
}

/** `[i, key, shape, kind, dtype]` */
export type StateRow = [i: number, key: string, shape: number[], kind: string, dtype: string];

/** One sample `[1, T, C, H, W]` of golden data as frames `[H, W, C]`. */
export function goldenFrames(x: Array): Float32Array[] {
  const ours = channelsLast(x);
  const [, steps = 0, ...frame] = ours.shape;
  const size = frame.reduce((a, b) => a * b, 1);
  const data = Float32Array.from(ours.data as Float32Array);
  return Array.from({ length: steps }, (_, t) => data.slice(t * size, (t + 1) * size));
}

/** Step `t` of `[1, T, C, H, W]` or `[1, T, K]`, channels last. */
export function goldenStep(array: Array, t: number): Float32Array {
  const ours = array.shape.length === 5 ? channelsLast(array) : array;
  const size = ours.shape.slice(2).reduce((a, b) => a * b, 1);
  return Float32Array.from((ours.data as Float32Array).slice(t * size, (t + 1) * size));
}

import { tf } from '@bidl/engine';
import { namedWeights } from '@bidl/neurons';
import { channelsLast, flattenedImages, upstreamLayout, upstreamNames, type Golden } from '@bidl/testing';

type Array = ReturnType<Golden['get']>;

/** Writes upstream's weights (by state_dict key, PyTorch's layout) into a network of ours. */
export function loadUpstream(model: tf.LayersModel, weights: ReadonlyMap<string, Array>): void {
  const ours = new Map(namedWeights(model).map((w) => [w.name, w.variable]));
  const names = upstreamNames(weights.keys());
  const images = flattenedImages(model);
  const left = new Set(ours.keys());
  for (const [key, array] of weights) {
    const name = names.get(key);
    if (name === undefined) continue;
    const variable = ours.get(name);
    if (!variable) throw new Error(`${key}: the network has no ${name}`);
    left.delete(name);
    const { shape, data } = upstreamLayout(key, array, images.get(name.replace(/\/kernel$/, '')));
    variable.assign(tf.tensor(data as Float32Array, [...shape], 'float32').reshape(variable.shape));
  }
  if (left.size > 0) throw new Error(`no values for ${[...left].join(', ')}`);
}

/**
 * The rows of a state_dict made for frames of another size: linear layers have as many inputs as the network's own.
 * `[i, key, shape, kind, dtype]` each.
 */
export function resized(model: tf.LayersModel, rows: readonly StateRow[]): StateRow[] {
  const ours = new Map(namedWeights(model).map((w) => [w.name, w.variable.shape]));
  const names = upstreamNames(rows.map(([, key]) => key));
  return rows.map(([i, key, shape, ...rest]) => {
    const own =
      shape.length === 2 && !key.startsWith('embedding') ? ours.get(names.get(key) ?? '') : undefined;
    return [i, key, own ? [...own].reverse() : shape, ...rest];
  });
}

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

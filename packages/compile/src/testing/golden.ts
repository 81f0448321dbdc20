import { tf } from '@bidl/engine';
import { namedWeights } from '@bidl/neurons';
import { channelsLast, oihwToHwio, oiToIo, transpose, type Golden } from '@bidl/testing';

type Array = ReturnType<Golden['get']>;

/** Writes upstream's weights (by state_dict key, PyTorch's layout) into a network of ours. */
export function loadUpstream(
  model: tf.LayersModel,
  weights: Iterable<readonly [string, Array]>,
  place: (key: string) => string,
  features?: readonly [channels: number, height: number, width: number],
): void {
  const ours = new Map(namedWeights(model).map((w) => [w.name, w.variable]));
  const left = new Set(ours.keys());
  for (const [key, array] of weights) {
    if (key.endsWith('num_batches_tracked')) continue;
    const name = place(key);
    const variable = ours.get(name);
    if (!variable) throw new Error(`${key}: the network has no ${name}`);
    left.delete(name);
    const { shape, data } = layout(array, key === 'head.0.weight' ? features : undefined);
    variable.assign(tf.tensor(data as Float32Array, [...shape], 'float32').reshape(variable.shape));
  }
  if (left.size > 0) throw new Error(`no values for ${[...left].join(', ')}`);
}

/** Kernels turned; the first linear layer's inputs in the order of a flatten with channels last. */
function layout(array: Array, features?: readonly [number, number, number]): Array {
  if (array.shape.length === 4) return oihwToHwio(array);
  if (array.shape.length !== 2) return array;
  const [out = 0, inputs = 0] = array.shape;
  if (!features) return oiToIo(array);
  const chw = { ...array, shape: [out, ...features] };
  const turned = transpose(chw, [2, 3, 1, 0]);
  return { ...turned, shape: [inputs, out] };
}

/** Upstream's key to our name: `clif1.lif.norm.weight` is `clif1/norm/gamma`. */
export function placeOf(key: string): string {
  const parts = key.split('.');
  const [first] = parts;
  const last = parts.at(-1) ?? '';
  const kind = last === 'weight' ? 'kernel' : last;
  if (first === 'head') return `head/${parts[1]}/${kind}`;
  const norm: Record<string, string> = {
    weight: 'gamma',
    bias: 'beta',
    running_mean: 'mean',
    running_var: 'variance',
  };
  if (parts.includes('norm')) return `${first}/norm/${norm[last]}`;
  return `${first}/${kind}`;
}

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

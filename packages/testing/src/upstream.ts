import { transpose, type NdArray } from '@bidl/formats';
import { oihwToHwio, oiToIo } from './layout.js';

/** A tfjs layer, as far as finding out what it reads needs it. */
interface Layer {
  readonly name: string;
  readonly inboundNodes: readonly {
    readonly inputTensors: readonly {
      readonly shape: readonly (number | null)[];
      readonly sourceLayer: Layer;
    }[];
  }[];
}

/** A tfjs model, likewise. */
interface Model {
  readonly layers: readonly unknown[];
}

const WRAPPERS: ReadonlySet<string> = new Set(['p0', 'lif', 'lifplus', 'conv']);

const NORM: Readonly<Record<string, string>> = {
  weight: 'gamma',
  bias: 'beta',
  running_mean: 'mean',
  running_var: 'variance',
};

/**
 * The names of our weights for the keys of one of upstream's state_dicts: `layer1.0.conv1.1.weight` is
 * `layer1/0/conv1/norm/gamma`. A module is a place; what wraps its weights (`module`, `p0`, `lif`, `lifplus`, `conv`,
 * `bn`, the numbers of a convolution and its BatchNorm) is left out, and so is what we do not hold: the counters of
 * BatchNorm, the transposed alias of an embedding.
 */
export function upstreamNames(keys: Iterable<string>): ReadonlyMap<string, string> {
  const paths = new Map(
    [...keys].map((key) => [key, key.split('.').filter((part) => part !== 'module')] as const),
  );
  const norms = new Set(
    [...paths.values()]
      .filter((parts) => parts.at(-1) === 'running_mean')
      .map((parts) => parts.slice(0, -1).join('.')),
  );
  const names = new Map<string, string>();
  for (const [key, path] of paths) {
    const last = path.at(-1) ?? '';
    if (last === 'num_batches_tracked' || path[0] === 'embedding_fc') continue;
    const place = path.slice(0, -1);
    const norm = norms.has(place.join('.'));
    const next = [...place.slice(0, -1), String(Number(place.at(-1)) + 1)];
    if (place.length > 1 && (norm || norms.has(next.join('.')))) place.pop();
    while (place.length > 1 && WRAPPERS.has(place.at(-1) ?? '')) place.pop();
    const behind = norm && place.at(-1) !== 'norm' ? ['norm'] : [];
    const weight = norm ? NORM[last] : last === 'weight' ? 'kernel' : last;
    names.set(key, [...place, ...behind, weight].join('/'));
  }
  return names;
}

/** An array of upstream's state_dict in our layout. `image`: what a linear layer's flattened input was, `[C, H, W]`. */
export function upstreamLayout(key: string, array: NdArray, image?: readonly number[]): NdArray {
  if (key.startsWith('embedding.')) return array;
  switch (array.shape.length) {
    case 4:
      return oihwToHwio(array);
    case 3:
      return transpose(array, [2, 1, 0]);
    case 2: {
      const [out = 0, inputs = 0] = array.shape;
      if (!image) return oiToIo(array);
      return { ...transpose({ ...array, shape: [out, ...image] }, [2, 3, 1, 0]), shape: [inputs, out] };
    }
    default:
      return array;
  }
}

/** The images `[C, H, W]` that linear layers read flattened, by the layer's name. */
export function flattenedImages(model: Model): ReadonlyMap<string, readonly number[]> {
  const images = new Map<string, readonly number[]>();
  for (const layer of model.layers as readonly Layer[]) {
    let input = layer.inboundNodes[0]?.inputTensors[0];
    while (input && ['aggregate', 'picked', 'flif1/step'].includes(input.sourceLayer.name)) {
      input = input.sourceLayer.inboundNodes[0]?.inputTensors[0];
    }
    if (input?.sourceLayer.name !== 'flat') continue;
    const image = input.sourceLayer.inboundNodes[0]?.inputTensors[0]?.shape.slice(-3) ?? [];
    const [h, w, c] = image.map((size) => size ?? 0);
    images.set(layer.name, [c ?? 0, h ?? 0, w ?? 0]);
  }
  return images;
}

import type { tf } from '@bidl/engine';
import { type NdArray, ndarray, toFloat32 } from '@bidl/formats';
import { nearest } from '@bidl/registry';
import { InteropError, WeightMappingError } from '../errors.js';
import { bareKey, isCounter, keysOf } from './names.js';
import { type PlacedWeight, placedWeights } from './placed-weights.js';
import type { MappedWeight, MappingReport, MisshapenWeight } from './report.js';
import type { TorchCheckpoint } from './state-dict.js';

export interface MapOptions {
  /**
   * Every weight needs a key and every key a weight. Otherwise those that fit are taken and the report says which;
   * a key of another shape is an error either way. Default true.
   */
  readonly strict?: boolean;
}

/** Weights under our names, in our layouts, float32; and what became of every key. */
export interface MappedWeights {
  readonly weights: ReadonlyMap<string, NdArray<Float32Array>>;
  readonly report: MappingReport;
}

/**
 * Turns a PyTorch checkpoint of upstream's network into weights of ours. Names and layouts come from the network itself:
 * its layers are named by place as upstream's modules are, and its graph says where an image was flattened.
 *
 * @param model a backbone
 * @throws WeightMappingError that lists what differs, when they are weights of another network
 * @throws InteropError for weights that are no floating-point numbers
 *
 * @example
 * const { weights, report } = mapTorchWeights(classifier.backbone, readTorchCheckpoint(bytes));
 */
export function mapTorchWeights(
  model: tf.LayersModel,
  { weights: file, others }: Pick<TorchCheckpoint, 'weights' | 'others'>,
  { strict = true }: MapOptions = {},
): MappedWeights {
  const keys = keysByBareName(file);
  const weights = new Map<string, NdArray<Float32Array>>();
  const mapped: MappedWeight[] = [];
  const misshapen: MisshapenWeight[] = [];
  const absent: PlacedWeight[] = [];
  const taken = new Set<string>();

  for (const placed of placedWeights(model)) {
    const { name, shape, layout } = placed;
    const key = keysOf(placed)
      .map((bare) => keys.get(bare))
      .find((found) => found !== undefined);
    const array = key === undefined ? undefined : file.get(key);
    if (key === undefined || !array) {
      absent.push(placed);
      continue;
    }
    taken.add(key);
    if (!fits(array.shape, layout.torchShape)) {
      misshapen.push({ key, name, file: array.shape, network: layout.torchShape });
      continue;
    }
    const turned = layout.turn({ ...array, shape: layout.torchShape });
    weights.set(name, ndarray(floats(key, turned), shape));
    mapped.push({ from: key, to: name, fromShape: array.shape, toShape: shape, turned: layout.turned });
  }

  const left = [...file.keys()].filter((key) => !taken.has(key));
  const unused = left.filter((key) => !isCounter(key));
  const report: MappingReport = {
    mapped,
    ignored: [...left.filter(isCounter), ...others],
    unused: unused.map((key) => ({ key, shape: file.get(key)?.shape ?? [] })),
    missing: absent.map((placed) => {
      const [key = placed.name] = keysOf(placed);
      const [near] = nearest(key, unused, 1);
      const { name, layout } = placed;
      return { name, key, shape: layout.torchShape, ...(near !== undefined && { nearest: near }) };
    }),
    misshapen,
  };
  const differs = report.missing.length + report.unused.length > 0;
  if (misshapen.length > 0 || (strict && differs)) throw new WeightMappingError(model.name, report);
  return { weights, report };
}

function keysByBareName(file: ReadonlyMap<string, NdArray>): Map<string, string> {
  const keys = new Map<string, string>();
  for (const key of file.keys()) {
    const bare = bareKey(key);
    const other = keys.get(bare);
    if (other !== undefined)
      throw new InteropError(
        `keys ${other} and ${key} are the same but for their wrappers; keep one of them`,
      );
    keys.set(bare, key);
  }
  return keys;
}

/** Equal; of vectors, but for axes of one element: upstream keeps a neuron's parameters as `[1, C, 1, 1]`. */
function fits(file: readonly number[], wanted: readonly number[]): boolean {
  if (file.join() === wanted.join()) return true;
  const long = file.filter((n) => n !== 1);
  return wanted.length < 2 && long.join() === wanted.filter((n) => n !== 1).join();
}

function floats(key: string, array: NdArray): Float32Array {
  if (!['float32', 'float64', 'float16', 'bfloat16'].includes(array.dtype))
    throw new InteropError(`${key} is of type ${array.dtype}; weights are floating-point numbers`);
  return toFloat32(array);
}

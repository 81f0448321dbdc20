import type { tf } from '@bidl/engine';
import { type NdArray, ndarray, toFloat32 } from '@bidl/formats';
import { nearest } from '@bidl/registry';
import { InteropError, WeightMappingError } from '../errors.js';
import { bareKey, isCounter, namesOf } from './names.js';
import { type PlacedWeight, placedWeights } from './placed-weights.js';
import type { MappedWeight, MappingReport, MisshapenWeight, MissingWeight } from './report.js';
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
  const placed = placedWeights(model);
  const keys = keysByBareName(file);
  const { pairs, left } = paired(keys, placed);
  const weights = new Map<string, NdArray<Float32Array>>();
  const mapped: MappedWeight[] = [];
  const misshapen: MisshapenWeight[] = [];
  for (const [key, { name, shape, layout }] of pairs) {
    const array = file.get(key);
    if (!array) continue;
    const { torchShape, turned } = layout;
    if (fits(array.shape, torchShape)) {
      const ours = layout.turn({ ...array, shape: torchShape });
      weights.set(name, ndarray(floats(key, ours), shape));
      mapped.push({ from: key, to: name, fromShape: array.shape, toShape: shape, turned });
    } else misshapen.push({ key, name, file: array.shape, network: torchShape });
  }

  const unused = left.filter((key) => !isCounter(key));
  const found = new Set(pairs.map(([, { name }]) => name));
  const report: MappingReport = {
    mapped,
    ignored: [...left.filter(isCounter), ...others],
    unused: unused.map((key) => ({ key, shape: file.get(key)?.shape ?? [] })),
    missing: missingWeights(
      placed.filter(({ name }) => !found.has(name)),
      new Map(unused.flatMap((key) => namesOf(bareKey(key), keys).map((name) => [name, key]))),
    ),
    misshapen,
  };
  const differs = report.missing.length + report.unused.length > 0;
  if (misshapen.length > 0 || (strict && differs)) throw new WeightMappingError(model.name, report);
  return { weights, report };
}

/** Keys with the weights that they are, each weight once, and the keys that are none. */
function paired(
  keys: ReadonlyMap<string, string>,
  placed: readonly PlacedWeight[],
): { pairs: (readonly [key: string, weight: PlacedWeight])[]; left: string[] } {
  const free = new Map(placed.map((weight) => [weight.name, weight]));
  const pairs: (readonly [string, PlacedWeight])[] = [];
  const left: string[] = [];
  for (const [bare, key] of keys) {
    const weight = namesOf(bare, keys)
      .map((name) => free.get(name))
      .find((found) => found !== undefined);
    if (!weight) left.push(key);
    else {
      free.delete(weight.name);
      pairs.push([key, weight]);
    }
  }
  return { pairs, left };
}

/** @param unused unused keys by the names that they would have here */
const missingWeights = (
  absent: readonly PlacedWeight[],
  unused: ReadonlyMap<string, string>,
): MissingWeight[] =>
  absent.map(({ name, layout }) => {
    const [near] = nearest(name, unused.keys(), 1);
    const key = near === undefined ? undefined : unused.get(near);
    return { name, shape: layout.torchShape, ...(key !== undefined && { nearest: key }) };
  });

/** @throws InteropError for keys that differ in their wrappers alone */
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

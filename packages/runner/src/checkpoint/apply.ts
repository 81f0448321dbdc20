import { tf } from '@bidl/engine';
import type { NdArray } from '@bidl/formats';
import {
  InteropError,
  mapTorchWeights,
  type MapOptions,
  type MappedWeights,
  type MappingReport,
  type TorchCheckpoint,
  WeightMappingError,
} from '@bidl/interop';
import type { Classifier, NamedVariable } from '../classifier.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { CheckpointError, CheckpointMismatchError } from './errors.js';
import type { Checkpoint } from './read.js';

/**
 * Put a checkpoint's weights into a network, all or none.
 *
 * @returns of a PyTorch checkpoint, what became of every key
 * @throws CheckpointMismatchError that lists missing, unexpected and differently shaped weights.
 */
export function applyWeights(
  network: Pick<Classifier, 'weights' | 'backbone'>,
  checkpoint: Checkpoint,
  { strict = true }: MapOptions = {},
): MappingReport | undefined {
  const variables = network.weights();
  const mapped = checkpoint.torch && mappedTorch(network, checkpoint.torch, checkpoint.path, strict);
  const weights = mapped?.weights ?? checkpoint.weights;
  if (!mapped) checkFit(variables, checkpoint);
  tf.tidy(() => {
    for (const { name, variable } of variables) {
      const array = weights.get(name);
      if (array) variable.assign(toTensor(array, `${checkpoint.path}: model/${name}`, variable.dtype));
    }
  });
  return mapped?.report;
}

function checkFit(variables: readonly NamedVariable[], { path, weights }: Checkpoint): void {
  const names = new Set(variables.map((w) => w.name));
  const difference = {
    missing: variables.map((w) => w.name).filter((name) => !weights.has(name)),
    unexpected: [...weights.keys()].filter((name) => !names.has(name)),
    misshapen: variables.flatMap(({ name, variable }) => {
      const file = weights.get(name)?.shape;
      return file && file.join() !== variable.shape.join() ? [{ name, file, network: variable.shape }] : [];
    }),
  };
  if (difference.missing.length + difference.unexpected.length + difference.misshapen.length > 0)
    throw new CheckpointMismatchError(path, difference);
}

function mappedTorch(
  { backbone }: Pick<Classifier, 'backbone'>,
  torch: TorchCheckpoint,
  path: string,
  strict: boolean,
): MappedWeights {
  if (!backbone)
    throw new CheckpointError(
      `${path} is a PyTorch checkpoint, and this network does not show its layers: its weights have no names here. ` +
        'Give the classifier a `backbone` (a tf.LayersModel).',
    );
  try {
    return mapTorchWeights(backbone, torch, { strict });
  } catch (cause) {
    if (cause instanceof WeightMappingError) throw CheckpointMismatchError.ofTorch(path, cause);
    if (cause instanceof InteropError) throw new CheckpointError(`${path}: ${cause.message}`, { cause });
    throw cause;
  }
}

/** Put a checkpoint's optimizer state into an optimizer of the same type. */
export function applyOptimizer(optimizer: Optimizer, checkpoint: Checkpoint): void {
  const saved = checkpoint.meta?.optimizer;
  if (!saved || saved.type !== optimizer.type)
    throw new CheckpointError(
      `${checkpoint.path}: holds the state of ${saved ? `optimizer ${saved.type}` : 'no optimizer'}, the config asks ` +
        `for ${optimizer.type}. Resume with the same optimizer, or start from its weights with load_from.`,
    );
  const tensors = new Map<string, tf.Tensor>();
  try {
    for (const [key, array] of checkpoint.optimizer)
      tensors.set(key, toTensor(array, `${checkpoint.path}: optimizer/${key}`, 'float32'));
    optimizer.load({ tensors, scalars: saved.scalars });
  } catch (cause) {
    if (cause instanceof CheckpointError) throw cause;
    throw new CheckpointError(
      `${checkpoint.path}: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  } finally {
    tensors.forEach((t) => t.dispose());
  }
}

function toTensor(array: NdArray, place: string, dtype: tf.DataType): tf.Tensor {
  const { data, shape } = array;
  if (array.dtype !== dtype || !(isFloat32(data) || isInt32(data)))
    throw new CheckpointError(`${place} is of type ${array.dtype}; ${dtype} is needed.`);
  return tf.tensor(data, [...shape], dtype);
}

// typed arrays may come from another realm (worker, test environment): instanceof does not see those
const isFloat32 = (data: ArrayBufferView): data is Float32Array => tag(data) === 'Float32Array';
const isInt32 = (data: ArrayBufferView): data is Int32Array => tag(data) === 'Int32Array';
const tag = (data: ArrayBufferView) => Object.prototype.toString.call(data).slice(8, -1);

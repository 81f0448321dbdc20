import { tf } from '@bidl/engine';
import { loadSafetensors, type NdArray } from '@bidl/formats';
import type { NamedVariable } from '../classifier.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { CheckpointError, CheckpointMismatchError } from './errors.js';
import { CHECKPOINT_VERSION, checkpointMeta, type CheckpointMeta } from './meta.js';

/** A checkpoint in memory. A plain safetensors file of weights has no `meta`: it can be loaded, not resumed. */
export interface Checkpoint {
  readonly path: string;
  readonly meta: CheckpointMeta | undefined;
  /** Weights by name, without the `model/` prefix. */
  readonly weights: ReadonlyMap<string, NdArray>;
  /** Optimizer state by `slot/parameter`. */
  readonly optimizer: ReadonlyMap<string, NdArray>;
}

/**
 * Read and check a checkpoint; it is treated as hostile until parsed.
 *
 * @throws CheckpointError for a missing, truncated, corrupted or too new file.
 */
export function readCheckpoint(path: string): Checkpoint {
  const { tensors, metadata } = open(path);
  const meta = metadata.bidl === undefined ? undefined : parseMeta(path, metadata.bidl);
  const weights = new Map<string, NdArray>();
  const optimizer = new Map<string, NdArray>();
  for (const [key, array] of tensors) {
    if (key.startsWith('optimizer/')) optimizer.set(key.slice('optimizer/'.length), array);
    else weights.set(key.startsWith('model/') ? key.slice('model/'.length) : key, array);
  }
  return { path, meta, weights, optimizer };
}

function open(path: string) {
  try {
    return loadSafetensors(path);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    const remedy =
      hasCode(cause, 'ENOENT') || /ENOENT|no such file/i.test(message)
        ? 'Check the path; a run leaves latest.safetensors and best.safetensors in its work dir.'
        : 'The file is damaged or no checkpoint. Use another one (best.safetensors or latest.safetensors beside it).';
    throw new CheckpointError(
      `checkpoint ${path} can't be read: ${message.replace(`${path}: `, '').replace(/\.?$/, '.')} ${remedy}`,
      {
        cause,
      },
    );
  }
}

function hasCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}

function parseMeta(path: string, text: string): CheckpointMeta {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new CheckpointError(
      `checkpoint ${path}: its metadata is no JSON. The file is damaged; use another one.`,
      {
        cause,
      },
    );
  }
  const version = typeof json === 'object' && json !== null && 'version' in json ? json.version : undefined;
  if (typeof version === 'number' && version > CHECKPOINT_VERSION)
    throw new CheckpointError(
      `checkpoint ${path} is of format version ${version}; this release reads up to ${CHECKPOINT_VERSION}. Update bidl.`,
    );
  const parsed = checkpointMeta.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new CheckpointError(
      `checkpoint ${path}: metadata.${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not understood'}. ` +
        'The file is damaged or was not written by bidl.',
    );
  }
  return parsed.data;
}

/**
 * Put a checkpoint's weights into a network, all or none.
 *
 * @throws CheckpointMismatchError that lists missing, unexpected and differently shaped weights.
 */
export function applyWeights(weights: readonly NamedVariable[], checkpoint: Checkpoint): void {
  const names = new Set(weights.map((w) => w.name));
  const difference = {
    missing: weights.map((w) => w.name).filter((name) => !checkpoint.weights.has(name)),
    unexpected: [...checkpoint.weights.keys()].filter((name) => !names.has(name)),
    misshapen: weights.flatMap(({ name, variable }) => {
      const file = checkpoint.weights.get(name)?.shape;
      return file && file.join() !== variable.shape.join() ? [{ name, file, network: variable.shape }] : [];
    }),
  };
  if (difference.missing.length + difference.unexpected.length + difference.misshapen.length > 0)
    throw new CheckpointMismatchError(checkpoint.path, difference);
  tf.tidy(() => {
    for (const { name, variable } of weights) {
      const array = checkpoint.weights.get(name);
      if (array) variable.assign(toTensor(array, `${checkpoint.path}: model/${name}`, variable.dtype));
    }
  });
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

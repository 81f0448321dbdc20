import { isTorch, type NdArray, readBytes, readSafetensors, type Safetensors } from '@bidl/formats';
import { readTorchCheckpoint, type TorchCheckpoint } from '@bidl/interop';
import { CheckpointError } from './errors.js';
import { CHECKPOINT_VERSION, checkpointMeta, type CheckpointMeta } from './meta.js';

/**
 * A checkpoint in memory. A plain safetensors file of weights, or a PyTorch checkpoint, has no `meta`: it can be loaded,
 * not resumed.
 */
export interface Checkpoint {
  readonly path: string;
  readonly meta: CheckpointMeta | undefined;
  /** Weights by name, without the `model/` prefix; none of a PyTorch checkpoint. */
  readonly weights: ReadonlyMap<string, NdArray>;
  /** Optimizer state by `slot/parameter`. */
  readonly optimizer: ReadonlyMap<string, NdArray>;
  /** A PyTorch checkpoint: its weights get their names and layouts when the network is known. */
  readonly torch?: TorchCheckpoint;
}

/**
 * Read and check a checkpoint, ours (safetensors) or PyTorch's (`.pth`), told apart by their content. It is treated as
 * hostile until parsed.
 *
 * @throws CheckpointError for a missing, truncated, corrupted, hostile or too new file.
 */
export function readCheckpoint(path: string): Checkpoint {
  const found = open(path);
  if ('others' in found) {
    return { path, meta: undefined, weights: new Map(), optimizer: new Map(), torch: found };
  }
  const { tensors, metadata } = found;
  const meta = metadata.bidl === undefined ? undefined : parseMeta(path, metadata.bidl);
  const weights = new Map<string, NdArray>();
  const optimizer = new Map<string, NdArray>();
  for (const [key, array] of tensors) {
    if (key.startsWith('optimizer/')) optimizer.set(key.slice('optimizer/'.length), array);
    else weights.set(key.startsWith('model/') ? key.slice('model/'.length) : key, array);
  }
  return { path, meta, weights, optimizer };
}

function open(path: string): Safetensors | TorchCheckpoint {
  let remedy = 'Check the path; a run leaves latest.safetensors and best.safetensors in its work dir.';
  try {
    const bytes = readBytes(path);
    if (isTorch(bytes)) {
      remedy =
        'Copy the file anew if it is damaged; docs/guides/import-weights.md says which PyTorch files are read.';
      return readTorchCheckpoint(bytes);
    }
    remedy =
      'The file is damaged or no checkpoint. Use another one (best.safetensors or latest.safetensors beside it).';
    return readSafetensors(bytes);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new CheckpointError(
      `checkpoint ${path} can't be read: ${message.replace(`${path}: `, '').replace(/\.?$/, '.')} ${remedy}`,
      { cause },
    );
  }
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

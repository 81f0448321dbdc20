import { tf } from '@bidl/engine';
import { ndarray, writeSafetensors, type NdArray } from '@bidl/formats';
import type { NamedVariable } from '../classifier.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { CheckpointError } from './errors.js';
import type { CheckpointMeta } from './meta.js';

/** What is saved beside weights and optimizer state. */
export type CheckpointFacts = Omit<CheckpointMeta, 'optimizer'>;

/**
 * The bytes of a checkpoint: one safetensors file with `model/<name>`, `optimizer/<slot>/<name>` and the facts
 * as JSON in its metadata.
 *
 * @throws CheckpointError when a weight is NaN or infinite: such a file would replace a good one.
 */
export async function encodeCheckpoint(
  weights: readonly NamedVariable[],
  optimizer: Optimizer | undefined,
  facts: CheckpointFacts,
): Promise<Uint8Array> {
  const tensors = new Map<string, NdArray>();
  for (const { name, variable } of weights) {
    const array = await fetch(variable);
    if (!array.data.every((v) => Number.isFinite(Number(v))))
      throw new CheckpointError(
        `weight "${name}" has become NaN or infinite: not saved, the previous checkpoint is kept. ` +
          'Lower optimizer.lr, add lr_config warm-up, or set optimizer_config.grad_clip.',
      );
    tensors.set(`model/${name}`, array);
  }
  const state = optimizer?.state();
  try {
    for (const [key, tensor] of state?.tensors ?? []) tensors.set(`optimizer/${key}`, await fetch(tensor));
  } finally {
    state?.tensors.forEach((t) => t.dispose());
  }
  const meta: CheckpointMeta = {
    ...facts,
    optimizer: optimizer && state ? { type: optimizer.type, scalars: { ...state.scalars } } : null,
  };
  return writeSafetensors(tensors, { format: meta.format, bidl: JSON.stringify(meta) });
}

async function fetch(tensor: tf.Tensor): Promise<NdArray> {
  const data = await tensor.data();
  if (tensor.dtype !== 'float32' && tensor.dtype !== 'int32')
    throw new CheckpointError(`a tensor of type ${tensor.dtype} can't be saved: only float32 and int32 can.`);
  return ndarray(data, tensor.shape, tensor.dtype);
}

import { type NdArray, type PickleValue, readTorch } from '@bidl/formats';
import { InteropError } from '../errors.js';

/** The weights in a PyTorch checkpoint, and what else it says of the run that made it. */
export interface TorchCheckpoint {
  /** By key, in the file's order and PyTorch's layout. */
  readonly weights: ReadonlyMap<string, NdArray>;
  /** Keys of the state_dict whose values are no tensors. */
  readonly others: readonly string[];
  /** Finished epochs and iterations; upstream counts epochs from 0. */
  readonly epoch: number | undefined;
  readonly iter: number | undefined;
}

/** Where programs keep the weights among other things; upstream's name first. */
const NAMES = ['state_dict', 'model_state_dict', 'model', 'net'] as const;

/**
 * The weights in the bytes of a `.pth` file: a state_dict, or a checkpoint that holds one.
 *
 * @throws FormatError for a file that is damaged, hostile or no checkpoint (see `readTorch`)
 * @throws InteropError when there is no state_dict in it
 */
export function readTorchCheckpoint(bytes: Uint8Array): TorchCheckpoint {
  return torchCheckpoint(readTorch(bytes));
}

/** The same from a value that has been read. */
export function torchCheckpoint(value: PickleValue): TorchCheckpoint {
  if (!(value instanceof Map)) {
    throw new InteropError(
      'this file holds no state_dict. Save one in Python: torch.save(model.state_dict(), FILE)',
    );
  }
  const found = NAMES.map((name) => value.get(name)).find((inner) => inner instanceof Map);
  const dict = found instanceof Map ? found : value;
  const weights = new Map<string, NdArray>();
  const others: string[] = [];
  for (const [key, entry] of dict) {
    if (typeof key === 'string' && isTensor(entry)) weights.set(key, entry);
    else others.push(shown(key));
  }
  if (weights.size === 0) {
    const keys = [...value.keys()].slice(0, 8).map(shown).join(', ');
    throw new InteropError(
      `this checkpoint holds no state_dict (it has ${keys}). Save the weights: ` +
        "torch.save({'state_dict': model.state_dict()}, FILE)",
    );
  }
  const epoch = count(value.get('epoch'));
  return {
    weights,
    others,
    epoch: epoch === undefined ? undefined : epoch + 1,
    iter: count(value.get('iters')),
  };
}

/** A key for a message. Nested ones stay unsaid: a few bytes of a file can unfold to gigabytes of text. */
const shown = (key: PickleValue): string =>
  typeof key === 'string' || typeof key === 'number' ? String(key).slice(0, 80) : '(a key that is no text)';

const isTensor = (value: PickleValue): value is NdArray =>
  typeof value === 'object' && value !== null && 'dtype' in value;

const count = (value: PickleValue | undefined): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;

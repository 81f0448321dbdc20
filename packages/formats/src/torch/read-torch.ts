import { FormatError } from '../errors.js';
import type { PickleValue } from '../pickle/value.js';
import { readLegacy } from './legacy.js';
import { readZipCheckpoint } from './zip-checkpoint.js';

/**
 * Reads what `torch.save` wrote, zip archives and the older format, without running anything: plain values and
 * collections as {@link readPickle} gives them, tensors and parameters as {@link NdArray} (complex ones with a last axis
 * of real and imaginary part), sizes as arrays, dtypes and devices as strings (`torch.float32`, `cuda:0`).
 *
 * Whatever the bytes are, no more than 16 times their number (and 2 MiB) is allocated.
 *
 * @throws FormatError for every other class or function (`posix.system is not allowed in a data file`), for damaged,
 * truncated or encrypted files, TorchScript archives, and tensors that reach beyond their storage
 *
 * @example
 * const checkpoint = readTorch(readFileSync('latest.pth')) as Map<string, PickleValue>;
 * const weights = checkpoint.get('state_dict');
 */
export function readTorch(bytes: Uint8Array): PickleValue {
  if (startsWith(bytes, 0, 'PK\x03\x04') || startsWith(bytes, 0, 'PK\x05\x06'))
    return readZipCheckpoint(bytes);
  if (startsWith(bytes, 257, 'ustar')) {
    throw new FormatError(
      'a checkpoint of PyTorch before 0.1.10, a tar archive; load it with that release and save it again',
      { byte: 0 },
    );
  }
  if (!isTorch(bytes))
    throw new FormatError('no PyTorch checkpoint: neither a zip archive nor a pickle', { byte: 0 });
  return readLegacy(bytes);
}

/** Whether a file begins as those of `torch.save` do: as a zip archive or a pickle, and not as safetensors. */
export const isTorch = (bytes: Uint8Array): boolean =>
  startsWith(bytes, 0, 'PK\x03\x04') ||
  ((startsWith(bytes, 0, 'L') || (bytes[0] === 0x80 && (bytes[1] ?? 9) <= 5)) && !startsWith(bytes, 8, '{'));

function startsWith(bytes: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

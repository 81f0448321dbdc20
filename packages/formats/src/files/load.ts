import type { NdArray } from '../array/ndarray.js';
import { namingFile } from '../errors.js';
import { type EventStream, NMNIST_MAX_BYTES, type NmnistOptions, readNmnist } from '../nmnist/nmnist.js';
import { readNpy } from '../npy/npy.js';
import { readNpz } from '../npy/npz.js';
import { readPickle } from '../pickle/read-pickle.js';
import type { PickleValue } from '../pickle/value.js';
import { readSafetensors, type Safetensors } from '../safetensors/safetensors.js';
import { readTorch } from '../torch/read-torch.js';
import type { ZipLimits } from '../zip/zip.js';
import { readBytes, readBytesAsync } from './read.js';

/*
 * Every loader throws FileError when the file is missing or unreadable and FormatError when its content is wrong; both
 * name the path. `load...` blocks, which is right inside a data worker; `load...Async` does not block while reading.
 */

/** Reads an .npy file, see {@link readNpy}. */
export const loadNpy = (path: string): NdArray => parse(path, readBytes(path), readNpy);
export const loadNpyAsync = async (path: string): Promise<NdArray> =>
  parse(path, await readBytesAsync(path), readNpy);

/** Reads an .npz file, see {@link readNpz}. */
export const loadNpz = (path: string, limits?: ZipLimits): Map<string, NdArray> =>
  parse(path, readBytes(path), (bytes) => readNpz(bytes, limits));
export const loadNpzAsync = async (path: string, limits?: ZipLimits): Promise<Map<string, NdArray>> =>
  parse(path, await readBytesAsync(path), (bytes) => readNpz(bytes, limits));

/** Reads a .safetensors file, see {@link readSafetensors}. */
export const loadSafetensors = (path: string): Safetensors => parse(path, readBytes(path), readSafetensors);
export const loadSafetensorsAsync = async (path: string): Promise<Safetensors> =>
  parse(path, await readBytesAsync(path), readSafetensors);

/** Reads a .pkl file without running anything, see {@link readPickle}. */
export const loadPickle = (path: string): PickleValue => parse(path, readBytes(path), readPickle);
export const loadPickleAsync = async (path: string): Promise<PickleValue> =>
  parse(path, await readBytesAsync(path), readPickle);

/** Reads a .pth or .pt file without running anything, see {@link readTorch}. */
export const loadTorch = (path: string): PickleValue => parse(path, readBytes(path), readTorch);
export const loadTorchAsync = async (path: string): Promise<PickleValue> =>
  parse(path, await readBytesAsync(path), readTorch);

const nmnistLimit = (options?: NmnistOptions) => ({ maxBytes: options?.maxBytes ?? NMNIST_MAX_BYTES });

/** Reads an N-MNIST .bin file, see {@link readNmnist}; an oversized file is refused before it is read. */
export const loadNmnist = (path: string, options?: NmnistOptions): EventStream =>
  parse(path, readBytes(path, nmnistLimit(options)), (bytes) => readNmnist(bytes, options));
export const loadNmnistAsync = async (path: string, options?: NmnistOptions): Promise<EventStream> =>
  parse(path, await readBytesAsync(path, nmnistLimit(options)), (bytes) => readNmnist(bytes, options));

const parse = <T>(path: string, bytes: Uint8Array, read: (bytes: Uint8Array) => T): T =>
  namingFile(path, () => read(bytes));

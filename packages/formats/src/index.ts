export { FormatError, type FormatPlace } from './errors.js';
export { type DType, type TypedArray, dtypeOf, itemSize } from './array/dtype.js';
export { type NdArray, ndarray, sizeOf } from './array/ndarray.js';
export { bfloat16ToFloat32, float16ToFloat32, toFloat32 } from './array/float.js';
export { transpose } from './array/transpose.js';
export { readNpy, writeNpy } from './npy/npy.js';
export { readNpz, writeNpz } from './npy/npz.js';
export { readZip, writeZip, type ZipLimits } from './zip/zip.js';
export {
  describeSafetensors,
  readSafetensors,
  type Safetensors,
  writeSafetensors,
} from './safetensors/safetensors.js';
export { readPickle, readPickles } from './pickle/read-pickle.js';
export type { PickleValue } from './pickle/value.js';
export { isTorch, readTorch } from './torch/read-torch.js';
export {
  type EventStream,
  NMNIST_MAX_BYTES,
  type NmnistOptions,
  readNmnist,
  writeNmnist,
} from './nmnist/nmnist.js';
export { FileError } from './files/file-error.js';
export { readBytes, readBytesAsync, type ReadLimit } from './files/read.js';
export { saveFile } from './files/save.js';
export {
  loadNmnist,
  loadNmnistAsync,
  loadNpy,
  loadNpyAsync,
  loadNpz,
  loadNpzAsync,
  loadPickle,
  loadPickleAsync,
  loadSafetensors,
  loadSafetensorsAsync,
  loadTorch,
  loadTorchAsync,
} from './files/load.js';

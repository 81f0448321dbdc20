export { FormatError, type FormatPlace } from './errors.js';
export { type DType, type TypedArray, dtypeOf, itemSize } from './array/dtype.js';
export { type NdArray, ndarray, sizeOf } from './array/ndarray.js';
export { bfloat16ToFloat32, float16ToFloat32, toFloat32 } from './array/float.js';
export { transpose } from './array/transpose.js';
export { readNpy, writeNpy } from './npy/npy.js';
export { readNpz, writeNpz } from './npy/npz.js';
export { readZip, writeZip, type ZipLimits } from './zip/zip.js';

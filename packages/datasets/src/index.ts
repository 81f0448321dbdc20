export { type Accuracy, topK } from './accuracy.js';
export { BaseDataset, type DatasetArgs, labelOf } from './base-dataset.js';
export { catalogue, type DatasetInfo } from './catalogue.js';
export { DatasetError, LoaderError } from './errors.js';
export { makeEventDigits, type MakeOptions, type MakeResult } from './event-digits/make.js';
export { createLoader } from './loader/create-loader.js';
export { type SampleError } from './loader/sample-error.js';
export { type Batch, type Loader, type LoaderOptions } from './loader/types.js';
export { NMNIST, type NmnistArgs } from './nmnist/nmnist.js';
export {
  buildDataset,
  type DatasetClass,
  type DatasetConfig,
  datasets,
  registerDataset,
} from './registry.js';
export { apportion, drawStratified } from './stratify.js';

export { InteropError, WeightMappingError } from './errors.js';
export { readTorchCheckpoint, torchCheckpoint, type TorchCheckpoint } from './torch/state-dict.js';
export { mapTorchWeights, type MapOptions, type MappedWeights } from './torch/map-weights.js';
export type {
  MappedWeight,
  MappingReport,
  MisshapenWeight,
  MissingWeight,
  UnusedKey,
} from './torch/report.js';

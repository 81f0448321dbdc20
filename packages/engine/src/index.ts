export * as tf from '@tensorflow/tfjs';
export { startEngine, type EngineOptions } from './backend/start.js';
export { engineInfo, type BackendName, type EngineInfo } from './backend/info.js';
export { EngineError } from './backend/errors.js';
export {
  isTensorFlowBackend,
  type OpAttribute,
  type TensorFlowBackend,
} from './backend/tensorflow-binding.js';
export { opsInfo } from './backend/op-library.js';
export { cpuFeatures } from './backend/cpu-features.js';
export { valueAndGradients, GradientError, type ValueAndGradients } from './gradients/gradients.js';
export { checkpoint, type CheckpointArgs } from './gradients/checkpoint.js';
export { frames, FramesError } from './frames/frames.js';
export { installEngine, type BuildOps, type InstallOptions, type InstallResult } from './install/install.js';
export { EngineInstallError } from './install/errors.js';
export { cacheRoot } from './install/cache.js';
export type { Device } from './install/device.js';
export type { DownloadProgress } from './install/pip.js';
export {
  centre,
  convScan,
  neuronScan,
  neuronStep,
  ScanError,
  type Centred,
  type ConvScanArgs,
  type ScanArgs,
  type ScanForm,
  type ScanResult,
  type StepArgs,
} from './scan/index.js';
export { maxPool } from './max-pool/max-pool.js';
export { batchNorm, NormError } from './norm/batch-norm.js';
export type { Norm, Normed, NormOptions, Running, Statistics } from './norm/types.js';
export { doctor, formatReport, type Check, type DoctorOptions, type DoctorReport } from './doctor/doctor.js';
export { softmaxCrossEntropy } from './cross-entropy/softmax-cross-entropy.js';
export { updateElements, UpdateError, type UpdateOptions } from './update/update.js';
export type { Arrays, Elementwise, Formula } from './update/elementwise.js';

/** Installation alone, without TensorFlow.js: `@bidl/engine/install` starts in milliseconds. */
export { installEngine, type BuildOps, type InstallOptions, type InstallResult } from './install.js';
export { EngineInstallError } from './errors.js';
export { cacheRoot } from './cache.js';
export type { Device } from './device.js';
export type { DownloadProgress } from './pip.js';

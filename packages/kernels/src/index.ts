export { buildOps, opsPath, type BuildOptions } from './build.js';
export { KernelError } from './errors.js';
export { loadOps, type OpsInfo } from './load.js';
export { nativeDir, sourceHash } from './sources.js';

import { KernelError, loadOps as loadLibrary, opsPath, type OpsInfo } from '@bidl/kernels';
import { existsSync } from 'node:fs';
import { cacheRoot } from '../install/cache.js';
import { registerUpdate } from '../update/fused.js';
import { replaceMaxPoolGrad } from '../max-pool/max-pool-grad.js';
import { hasLifKernel, registerLifKernels } from '../scan/lif-kernel.js';

/**
 * Loads bidl's op library beside the running TensorFlow and makes its ops kernels of the `tensorflow` backend. Without
 * the library everything still computes, in composed ops; `warn` says so, and what brings it.
 */
export function startOps(warn: (line: string) => void): void {
  const file = opsPath(cacheRoot());
  if (!existsSync(file)) {
    warn(
      'The fused spike ops of this version are not built, so training will be slower. To build them: bidl engine install',
    );
    return;
  }
  try {
    loadLibrary(file);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    warn(`${error.message}. Going on with composed ops, which are slower.`);
    return;
  }
  registerLifKernels();
  replaceMaxPoolGrad();
  registerUpdate();
}

/** What the fused spike ops run with, or `undefined` where the backend in use has none. */
export function opsInfo(): OpsInfo | undefined {
  return hasLifKernel() ? loadLibrary(opsPath(cacheRoot())) : undefined;
}

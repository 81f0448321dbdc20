import { KernelError, loadOps as loadLibrary, opsPath, type OpsInfo, type OpsLibrary } from '@bidl/kernels';
import * as tf from '@tensorflow/tfjs';
import { existsSync } from 'node:fs';
import { cacheRoot } from '../install/cache.js';
import { preferConvolutions } from '../conv/conv2d.js';
import { replaceMaxPool } from '../max-pool/max-pool.js';
import { registerNorm } from '../norm/fused.js';
import { preferProducts } from '../product/product.js';
import { holdSpreads } from '../reduce/spread.js';
import { useNeurons } from '../scan/fused.js';
import { NeuronStore } from '../scan/neuron-store.js';
import { hasScanKernel, registerScanKernels } from '../scan/scan-kernel.js';
import { registerUpdate } from '../update/fused.js';
import { isTensorFlowBackend } from './tensorflow-binding.js';

/**
 * Loads bidl's op library beside the running TensorFlow and makes its ops kernels of the `tensorflow` backend. Without
 * the library everything still computes, in composed ops; `warn` says so, and what brings it. `log` hears of neurons that are
 * compiled later, on their first use.
 */
export function startOps(warn: (line: string) => void, log: (line: string) => void): void {
  const cacheDir = cacheRoot();
  const file = opsPath(cacheDir);
  if (!existsSync(file)) {
    warn(
      'The fused spike ops of this version are not built, so training will be slower. To build them: bidl engine install',
    );
    return;
  }
  let library: OpsLibrary;
  try {
    library = loadLibrary(file);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    warn(`${error.message}. Going on with composed ops, which are slower.`);
    return;
  }
  registerScanKernels();
  const backend: unknown = tf.backend();
  if (isTensorFlowBackend(backend)) holdSpreads(backend);
  useNeurons(new NeuronStore({ library, cacheDir, log, warn }));
  replaceMaxPool();
  registerNorm();
  registerUpdate();
  preferConvolutions(library);
  preferProducts(library);
}

/** What the fused spike ops run with, or `undefined` where the backend in use has none. */
export function opsInfo(): OpsInfo | undefined {
  return hasScanKernel() ? loadLibrary(opsPath(cacheRoot())) : undefined;
}

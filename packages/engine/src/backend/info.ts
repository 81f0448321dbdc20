import * as tf from '@tensorflow/tfjs';
import { cpuFeatures } from './cpu-features.js';
import { EngineError } from './errors.js';
import { opsInfo } from './op-library.js';
import { isTensorFlowBackend } from './tensorflow-binding.js';
import { tensorflowThreads } from './threads.js';

/** The backends that the engine starts. */
export type BackendName = 'tensorflow' | 'wasm' | 'cpu';

/** What computes, as far as results and speed depend on it; recorded in checkpoints and reports. */
export interface EngineInfo {
  readonly backend: BackendName;
  readonly device: 'cpu' | 'gpu';
  /** Threads of one op. */
  readonly threads: number;
  /** Version of TensorFlow, or of TensorFlow.js on the other backends. */
  readonly version: string;
  /** Whether bidl's fused spike ops are loaded. */
  readonly fused: boolean;
  readonly cpuFeatures: readonly string[];
}

/** Describes the running engine. @throws EngineError before `startEngine`. */
export function engineInfo(): EngineInfo {
  const backend = tf.getBackend();
  if (backend !== 'tensorflow' && backend !== 'wasm' && backend !== 'cpu') {
    throw new EngineError(
      `No engine is running (TensorFlow.js has backend "${backend}"). Call \`await startEngine()\` first.`,
    );
  }
  const native: unknown = backend === 'tensorflow' ? tf.backend() : undefined;
  const binding = isTensorFlowBackend(native) ? native : undefined;
  return {
    backend,
    device: binding?.isUsingGpuDevice === true ? 'gpu' : 'cpu',
    threads: backend === 'tensorflow' ? tensorflowThreads() : 1,
    version: binding?.binding.TF_Version ?? tf.version_core,
    fused: binding !== undefined && opsInfo() !== undefined,
    cpuFeatures: cpuFeatures(),
  };
}

import * as tf from '@tensorflow/tfjs';
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';
import { EngineError } from '../backend/errors.js';
import { completeWasmKernels } from './complete-kernels.js';

const PACKAGE = '@tensorflow/tfjs-backend-wasm';

/** Makes WebAssembly (SIMD, one thread) the backend, with the kernels that training needs filled in and mended. */
export async function startWasm(): Promise<void> {
  if (tf.findBackendFactory('wasm') === null) {
    const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
    setWasmPaths(
      join(dirname(createRequire(import.meta.url).resolve(`${PACKAGE}/package.json`)), 'dist') + sep,
    );
    tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false); // its workers do not start in Node
  }
  if (!(await tf.setBackend('wasm'))) throw new EngineError(`${PACKAGE} cannot be started on this machine.`);
  completeWasmKernels();
}

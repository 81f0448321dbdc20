import * as tf from '@tensorflow/tfjs';
import type { Device } from '../install/device.js';
import { startWasm } from '../wasm/start-wasm.js';
import { silenceBanner } from './banner.js';
import { EngineError } from './errors.js';
import { engineInfo, type BackendName, type EngineInfo } from './info.js';
import { startTensorFlow, type Listeners } from './tensorflow.js';

export interface EngineOptions {
  /** `auto`: TensorFlow where it is installed, else WebAssembly with one warning. @default 'auto' */
  readonly backend?: 'auto' | BackendName;
  /** @default 'cpu' */
  readonly device?: Device;
  /** Threads of one op; only TensorFlow has several, and only its first start can choose. @default all cores */
  readonly threads?: number;
  /** Gets the warnings. @default console.warn */
  readonly warn?: (line: string) => void;
  /** Hears of what takes a moment, as compiling a neuron on its first use. @default console.error */
  readonly log?: (line: string) => void;
}

/**
 * Makes TensorFlow.js ready to compute. Calling it again is cheap and keeps what runs, unless another backend is asked for.
 *
 * @throws EngineError when the backend that was asked for by name is not there
 * @example
 * const { backend, threads } = await startEngine();
 */
export async function startEngine(options: EngineOptions = {}): Promise<EngineInfo> {
  const { backend = 'auto', device = 'cpu', threads } = options;
  const listeners = { warn: options.warn ?? console.warn, log: options.log ?? console.error };
  if (threads !== undefined && !(Number.isInteger(threads) && threads > 0)) {
    throw new EngineError(`threads must be a positive whole number; it is ${threads}.`);
  }
  if (backend === 'cpu') await startCpu();
  else if (backend === 'wasm') await startWasm();
  else if (backend === 'tensorflow') await startOrExplain(device, threads, listeners);
  else await startAny(device, threads, listeners);
  return engineInfo();
}

async function startAny(device: Device, threads: number | undefined, listeners: Listeners): Promise<void> {
  if (tf.getBackend() === 'wasm') return; // fell back before, and said so
  try {
    await startTensorFlow(device, threads, listeners);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    listeners.warn(
      `${error.message}. Going on with WebAssembly, which is many times slower. To mend it: ${remedy(device)}`,
    );
    await startWasm();
  }
}

async function startOrExplain(
  device: Device,
  threads: number | undefined,
  listeners: Listeners,
): Promise<void> {
  try {
    await startTensorFlow(device, threads, listeners);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw new EngineError(`${error.message}. To mend it: ${remedy(device)}`);
  }
}

function remedy(device: Device): string {
  return `bidl engine install${device === 'gpu' ? ' --device gpu' : ''}`;
}

async function startCpu(): Promise<void> {
  silenceBanner(tf.findBackend('cpu'));
  if (!(await tf.setBackend('cpu'))) throw new EngineError('TensorFlow.js refuses its own cpu backend.');
}

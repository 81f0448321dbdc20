import * as tf from '@tensorflow/tfjs';
import { createRequire } from 'node:module';
import { registerSoftmaxCrossEntropy } from '../cross-entropy/softmax-cross-entropy.js';
import { takeExplicitPadding } from '../conv/conv2d.js';
import { DEVICES, type Device } from '../install/device.js';
import { LOG_ERRORS_ONLY, SET_LOG_LEVEL, type Loader } from '../install/loader-source.js';
import { inspectPackage, type InstallRecord } from '../install/record.js';
import { sumByRuns } from '../reduce/sum-by-runs.js';
import { spreadGradientsOfSums } from '../reduce/sum-gradient.js';
import { EngineError } from './errors.js';
import { isTensorFlowBackend } from './tensorflow-binding.js';
import { tensorflowThreads } from './threads.js';
import { startOps } from './op-library.js';

/** Who hears of what is wrong, and of what takes a moment. */
export interface Listeners {
  readonly warn: (line: string) => void;
  readonly log: (line: string) => void;
}

/**
 * Loads TensorFlow under TensorFlow.js and makes it the backend.
 *
 * @throws EngineError saying what is missing or damaged
 */
export async function startTensorFlow(
  device: Device,
  threads: number | undefined,
  { warn, log }: Listeners,
): Promise<void> {
  const running = tf.findBackend('tensorflow') !== null;
  if (!running) await load(device, threads);
  else if (threads !== undefined && threads !== tensorflowThreads()) {
    warn(
      `TensorFlow is already running with ${tensorflowThreads()} threads; it cannot change to ${threads} any more.`,
    );
  }
  if (!(await tf.setBackend('tensorflow')))
    throw new EngineError('TensorFlow was loaded, but TensorFlow.js refuses it as its backend.');
  registerSoftmaxCrossEntropy();
  spreadGradientsOfSums();
  if (!running) {
    sumByRuns();
    takeExplicitPadding();
  }
  if (!running && device === 'cpu') startOps(warn, log);
  const backend: unknown = tf.backend();
  if (device === 'gpu' && isTensorFlowBackend(backend) && !backend.isUsingGpuDevice) {
    warn('TensorFlow sees no GPU and computes on the CPU. To see why: bidl engine doctor --device gpu');
  }
}

async function load(device: Device, threads: number | undefined): Promise<void> {
  const { npmPackage } = DEVICES[device];
  const install = inspectPackage(npmPackage);
  if (install.state !== 'ready')
    throw new EngineError(`TensorFlow (${device}) is ${install.state}: ${install.reason}`);
  // Read by the library when it is loaded.
  if (threads !== undefined) process.env['TF_NUM_INTRAOP_THREADS'] = String(threads);
  // An allocator that keeps freed memory. Otherwise every tensor of every step is mapped and zeroed anew by the system.
  process.env['TF_CPU_ALLOCATOR_USE_BFC'] ??= 'true';
  try {
    if (install.record !== undefined) prepare(install.record);
    // Not imported: Node would read all of TensorFlow.js once more, to learn the names that it exports.
    createRequire(import.meta.url)(npmPackage);
  } catch (error) {
    throw new EngineError(
      `TensorFlow (${device}) cannot be loaded: ${(error as Error).message.split('\n')[0] ?? ''}`,
    );
  }
}

/** Before the big library: quiet its log, unless the user asks for it, and make CUDA's libraries findable. */
function prepare(record: InstallRecord): void {
  const level = (process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2');
  const quiet = Number(level) >= 2;
  const loader = createRequire(import.meta.url)(record.loader) as Loader;
  if (quiet) loader.preloadQuietly(record.framework, SET_LOG_LEVEL, LOG_ERRORS_ONLY);
  preloadAll(loader, record.preload);
}

/** Loads libraries that need each other in an order nobody tells: again and again, until nothing more can be loaded. */
export function preloadAll(loader: Pick<Loader, 'preload'>, paths: readonly string[]): string[] {
  let waiting = [...paths];
  for (;;) {
    const failed = waiting.filter((path) => loader.preload(path) !== '');
    if (failed.length === waiting.length) return failed;
    waiting = failed;
  }
}

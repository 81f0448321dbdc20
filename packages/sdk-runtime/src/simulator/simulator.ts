import { GLB_BYTES } from '@bidl/graph';
import { type PlanLibrary, preparePlan } from '@bidl/kernels';
import type { Driver } from '../driver.js';
import { contextCalls } from './context-calls.js';
import { eventCalls } from './event-calls.js';
import { type Fault, Faults } from './faults.js';
import type { Usage } from './holdings.js';
import { Machine } from './machine.js';
import { memoryCalls } from './memory-calls.js';
import { modelCalls } from './model-calls.js';
import { streamCalls } from './stream-calls.js';

export interface SimulatorOptions {
  /** How many devices there are. Default 1. */
  readonly devices?: number;
  /** DDR of each, in bytes. Default 1 GiB; pages exist once they are written. */
  readonly memoryBytes?: number;
  /** GLB of each, in bytes: on-chip memory for states. Default `GLB_BYTES` of `@bidl/graph`. */
  readonly glbBytes?: number;
  /** Streams that a device can have. Default 64. */
  readonly maxStreams?: number;
  readonly faults?: readonly Fault[];
  /** Threads that a device may use. Default: the cores, shared evenly. */
  readonly threads?: number;
  /** The native library; by default it is built where needed and loaded. */
  readonly library?: PlanLibrary;
}

/** Simulated devices, and what can be asked about them. */
export interface Simulator extends Driver {
  /** What has been made and not given back: all zero when nothing leaked. */
  usage(): Usage;
  /** How often each call was made, by LynSDK's name. */
  readonly calls: ReadonlyMap<string, number>;
  /** Ends the devices' threads and gives back their memory. What still waits is rejected. */
  close(): void;
}

/**
 * Starts a simulator: a {@link Driver} whose devices are threads of this process, with bounded memory. They run
 * artifacts with the native plan of `@bidl/kernels`.
 *
 * @throws KernelError where the native library cannot be built
 *
 * @example
 * const driver = await openSimulator({ devices: 2 });
 * try { ... } finally { driver.close(); }
 */
export async function openSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { devices = 1, memoryBytes = 2 ** 30, glbBytes = GLB_BYTES, maxStreams = 64 } = options;
  const library = options.library ?? (await preparePlan());
  const threads = options.threads ?? Math.max(1, Math.floor(library.threads / devices));
  const size = { devices, memoryBytes, glbBytes, maxStreams, threads };
  const machine = new Machine(library, size, new Faults(options.faults ?? []));
  return {
    ...contextCalls(machine),
    ...streamCalls(machine),
    ...eventCalls(machine),
    ...memoryCalls(machine),
    ...modelCalls(machine),
    usage: () => machine.held.usage(),
    calls: machine.faults.counts,
    close: () => machine.close(),
  };
}

import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import path from 'node:path';
import { buildPlan } from '../build.js';
import { KernelError } from '../errors.js';
import { lowerGraph } from './lower.js';
import type { PlanGraph, PlanProgram } from './graph.js';

/** A native plan; freed with its last reference. */
export interface PlanHandle {
  readonly __plan: never;
}
export type Bytes = ArrayBufferView;

/** What a device tells: a notification has been reached, a callback is due, a command has failed. */
export type DeviceListener = (
  kind: 0 | 1 | 2,
  stream: number,
  id: number,
  /** 0, the code of a failure, or -1 when the stream was closed before. */
  code: number,
  /** The call that failed. */
  call: number,
) => void;

/** Kinds of commands, as native/device/device.h counts them. */
export const COMMANDS = {
  reset: 2,
  step: 3,
  send: 4,
  receive: 5,
  callback: 8,
  notify: 9,
  fault: 10,
} as const;

/**
 * The native library: plans, and the devices that run them. Its functions check next to nothing: `Plan` below and the
 * drivers of `@bidl/sdk-runtime` are the doors. Devices, streams, events and models are small numbers; addresses are
 * offsets into a device's memory or views of the caller's, which must stay alive until the command has run.
 */
export interface PlanLibrary {
  /** Instruction set that its kernels run with on this processor. */
  readonly isa: 'avx512' | 'avx2' | 'baseline';
  /** Threads a plan may use. */
  readonly threads: number;

  createPlan(code: Int32Array, weights: Float32Array, constants: Float32Array, threads: number): PlanHandle;
  planBytes(plan: PlanHandle): number;
  planReset(plan: PlanHandle, state: Bytes, n: number): void;
  planRun(plan: PlanHandle, input: Bytes, output: Bytes, state: Bytes, n: number, steps: number): void;

  openDevice(memoryBytes: number, listener: DeviceListener): number;
  closeDevice(device: number): void;
  /** Whether messages of this device keep the process alive. At first they don't. */
  holdProcess(device: number, hold: boolean): void;
  /** Forgets a failure, after which commands run again. */
  recoverDevice(device: number): void;
  openStream(device: number): number;
  closeStream(device: number, stream: number): void;
  /** The function behind a blocking callback has returned. */
  resumeStream(device: number, stream: number): void;
  openEvent(): number;
  closeEvent(event: number): void;
  /** Milliseconds of a steady clock at the last recording, 0 before the first. */
  eventTime(event: number): number;
  openModel(
    device: number,
    code: Int32Array,
    weights: Float32Array,
    constants: Float32Array,
    stateOffset: number,
    /** How many may work on a step. */
    threads: number,
    /** Samples of a step. */
    samples: number,
  ): number;
  closeModel(device: number, model: number): void;

  copyNow(device: number, dst: number | Bytes, src: number | Bytes, bytes: number): void;
  fillNow(device: number, dst: number, value: number, bytes: number): void;
  enqueueCopy(
    device: number,
    stream: number,
    call: number,
    dst: number | Bytes,
    src: number | Bytes,
    bytes: number,
    dstDevice?: number,
  ): void;
  enqueueFill(device: number, stream: number, call: number, dst: number, value: number, bytes: number): void;
  enqueueModel(
    device: number,
    stream: number,
    call: number,
    kind: number,
    model: number,
    input: number,
    output: number,
    n: number,
  ): void;
  enqueueEvent(device: number, stream: number, call: number, record: boolean, event: number): void;
  enqueueMark(
    device: number,
    stream: number,
    call: number,
    kind: number,
    id: number,
    blocking: boolean,
  ): void;
}

/**
 * Loads the plan library from the file that `buildPlan` made.
 *
 * @throws KernelError when the file is missing or damaged.
 */
export function loadPlan(file: string): PlanLibrary {
  try {
    return createRequire(import.meta.url)(file) as PlanLibrary;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new KernelError(
      `the plan library ${file} can't be loaded: ${reason}. Delete it, and it is built again`,
      { cause },
    );
  }
}

/** The cache that all checkouts of a user share: `BIDL_CACHE`, else `bidl` in the XDG cache folder. */
function userCache(env: Readonly<Record<string, string | undefined>>): string {
  if (env['BIDL_CACHE']) return path.resolve(env['BIDL_CACHE']);
  const xdg = env['XDG_CACHE_HOME'];
  return path.join(xdg !== undefined && path.isAbsolute(xdg) ? xdg : path.join(homedir(), '.cache'), 'bidl');
}

/**
 * The plan library, built first where that has not been done: some ten seconds, once for a version of its sources.
 *
 * @param options.cacheDir where builds are kept; by default the user's cache
 * @throws KernelError without a C++ compiler, or when building or loading fails.
 */
export async function preparePlan(
  options: { readonly cacheDir?: string; readonly log?: (line: string) => void } = {},
): Promise<PlanLibrary> {
  const { cacheDir = userCache(process.env), log } = options;
  const { path: file } = await buildPlan({
    cacheDir,
    compiler: process.env['CXX'] ?? 'g++',
    ...(log && { log }),
  });
  return loadPlan(file);
}

/** One time step of a network as native code over memory of the caller's. */
export interface Plan {
  readonly program: PlanProgram;
  /** Bytes of packed weights, constants and working memory. */
  readonly residentBytes: number;
  /** Fills the state of `n` samples with its initial values. */
  reset(state: Bytes, n: number): void;
  /**
   * One step of `n` samples, or several: their inputs and outputs lie one after the other, `[steps, n, bytes of a sample]`.
   * `state` is read and written in place. Nothing is allocated, nothing is copied. Several steps at once give the same
   * numbers as one by one, faster, for every layer runs through all of them before the next begins.
   *
   * @throws KernelError when a view is too short for `n` samples and that many steps
   */
  step(input: Bytes, output: Bytes, state: Bytes, n: number, steps?: number): void;
}

/**
 * Makes a plan: weights packed, every buffer allocated.
 *
 * @example
 * const plan = createPlan(await preparePlan(), graph);
 * const state = new Uint8Array(plan.program.stateBytes);
 * plan.reset(state, 1);
 * plan.step(frame, output, state, 1);
 */
export function createPlan(library: PlanLibrary, graph: PlanGraph, threads: number = library.threads): Plan {
  const program = lowerGraph(graph);
  const { code, weights, constants, inputBytes, outputBytes, stateBytes } = program;
  const handle = library.createPlan(code, weights, constants, threads);
  const require = (what: string, { byteLength }: Bytes, each: number, n: number, steps = 1) => {
    if (byteLength >= each * n * steps) return;
    const over = steps === 1 ? '' : ` over ${steps} steps`;
    throw new KernelError(
      `${what} has ${byteLength} bytes; ${n} sample(s) of ${each}${over} need ${each * n * steps}`,
    );
  };
  return {
    program,
    residentBytes: library.planBytes(handle),
    reset(state, n) {
      require('state', state, stateBytes, n);
      library.planReset(handle, state, n);
    },
    step(input, output, state, n, steps = 1) {
      require('input', input, inputBytes, n, steps);
      require('output', output, outputBytes, n, steps);
      require('state', state, stateBytes, n);
      library.planRun(handle, input, output, state, n, steps);
    },
  };
}

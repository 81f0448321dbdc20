import type { NdArray } from '@bidl/formats';
import {
  type DevicePtr,
  type Driver,
  type DeviceEvent,
  MEMCPY,
  type ModelDesc,
  type Stream,
} from '../driver.js';
import { InputError } from '../errors.js';
import { describeLines } from './describe.js';
import { fillStaging, type SampleData, splitOutputs } from './layout.js';
import { Session } from './session.js';

export interface ApuRunOptions {
  readonly driver: Driver;
  /** Gets the model's description, line by line. Default: nothing. */
  readonly log?: (line: string) => void;
  /** Called whenever a run's outputs have arrived, with how many have in all. */
  readonly onOutput?: (runs: number) => void;
}

/** Outputs of one run, one array for each tensor: `[T, ...shape]`, or `[T, B, ...shape]` for a batch. */
export type RunOutput = readonly NdArray<Float32Array>[];

/** Buffers of one run that is in flight. */
interface Flight {
  readonly input: DevicePtr;
  readonly output: DevicePtr;
  readonly staging: Uint8Array;
  readonly host: Uint8Array;
}

const IN_FLIGHT = 3;

/** @throws InputError unless the model was compiled for this many steps */
export function checkSteps(timesteps: number, desc: ModelDesc): void {
  if (timesteps === desc.timesteps) return;
  throw new InputError(
    `T is ${timesteps}, but the model was compiled for ${desc.timesteps} steps; pass ${desc.timesteps}, or compile it again`,
  );
}

/**
 * Runs whole samples through a compiled network, up to three at a time: copying in, computing and copying out overlap.
 * Every run starts from the initial state, so their order does not matter. As upstream's `ApuRun`, but errors are
 * exceptions: the first one is thrown by the call it concerns or the next, and by all later ones.
 *
 * @example
 * const run = new ApuRun(0, 'Clif3fc3dm_itoutDm/Net_0', 20, { driver });
 * try {
 *   for (const sample of samples) await run.run(sample.img);
 *   for (const [logits] of await run.getOutput()) console.log(logits.data.slice(-10)); // of the last step
 * } finally {
 *   await run.dispose();
 * }
 */
export class ApuRun {
  /** What the model takes and gives. */
  readonly desc: ModelDesc;
  /** Samples that run together. */
  readonly batch: number;
  private readonly session: Session;
  private readonly send: Stream;
  private readonly receive: Stream;
  private readonly stateFree: DeviceEvent;
  private readonly idle: Flight[];
  private readonly queue: { resolve(flight: Flight): void; reject(error: unknown): void }[] = [];
  private outputs: RunOutput[] = [];
  private started = 0;
  private finished = 0;

  /**
   * @param chipId device, from 0
   * @param path the artifact's `Net_0`, or its folder
   * @param timesteps T; must be what the model was compiled for
   * @throws DriverError of the call that failed (unknown device, artifact missing, out of memory, ...); InputError for
   * another T. Nothing is left behind then.
   */
  constructor(
    chipId: number,
    path: string,
    readonly timesteps: number,
    private readonly options: ApuRunOptions,
  ) {
    const { driver, log } = options;
    const session = new Session(driver, chipId, path, (error) => {
      for (const { reject } of this.queue.splice(0)) reject(error);
    });
    this.session = session;
    this.desc = session.desc;
    this.batch = session.batch;
    const made = session.make(() => {
      checkSteps(timesteps, session.desc);
      const [send, receive, stateFree] = [session.stream(), session.stream(), session.event()];
      const [inputs, outputs] = [this.desc.inputDataLen, this.desc.outputDataLen].map(
        (bytes) => bytes * this.batch * timesteps,
      );
      const idle = Array.from({ length: IN_FLIGHT }, () => ({
        input: session.buffer(inputs),
        output: session.buffer(outputs),
        staging: new Uint8Array(inputs),
        host: new Uint8Array(outputs),
      }));
      return { send, receive, stateFree, idle };
    });
    this.send = made.send;
    this.receive = made.receive;
    this.stateFree = made.stateFree;
    this.idle = made.idle;
    if (log) describeLines(this.desc).forEach(log);
  }

  /**
   * Starts a run, as soon as fewer than three are in flight. Runs start in the order of the calls.
   *
   * @param img `[T, ...shape]`, or `[B, T, ...shape]` for a batch; one array for each input of the model
   * @returns when it has been started
   * @throws InputError for another T, shape or batch; DriverError as everywhere
   */
  async run(img: SampleData | readonly SampleData[]): Promise<void> {
    this.session.check();
    const flight = await this.takeFlight();
    try {
      fillStaging(flight.staging, this.desc, 'data' in img ? [img] : img, this.timesteps);
    } catch (error) {
      this.giveBack(flight); // nothing has been started, so nothing has failed
      throw error;
    }
    try {
      this.session.check();
      this.start(flight);
    } catch (error) {
      this.session.fail(error);
      throw error;
    }
  }

  private start(flight: Flight): void {
    const { driver, context, model, desc } = this.session;
    const { send, receive, stateFree, batch, timesteps } = this;
    driver.setCurrentContext(context);
    driver.memcpyAsync(send, flight.input, flight.staging, flight.staging.byteLength, MEMCPY.clientToServer);
    if (this.started++ > 0) driver.streamWaitEvent(send, stateFree);
    driver.modelResetAsync(send, model);
    let { input, output } = flight;
    for (let step = 0; step < timesteps; step++) {
      driver.modelSendInputAsync(send, model, input, output, batch);
      driver.modelRecvOutputAsync(receive, model);
      input = driver.addrSeek(input, desc.inputDataLen * batch);
      output = driver.addrSeek(output, desc.outputDataLen * batch);
    }
    driver.recordEvent(receive, stateFree);
    driver.streamAddCallback(receive, () => this.collect(flight));
  }

  private collect(flight: Flight): void {
    const { driver } = this.session;
    try {
      driver.memcpy(flight.host, flight.output, flight.host.byteLength, MEMCPY.serverToClient);
      this.outputs.push(splitOutputs(flight.host, this.desc, this.timesteps));
      this.options.onOutput?.(++this.finished);
      this.giveBack(flight);
    } catch (error) {
      this.session.fail(error);
    }
  }

  /**
   * Waits for all runs.
   *
   * @returns the outputs that have arrived since the last call, in the order of the runs
   */
  async getOutput(): Promise<RunOutput[]> {
    await this.session.synchronize(this.receive, this.send);
    const { outputs } = this;
    this.outputs = [];
    return outputs;
  }

  /** The state after the last run, of the whole batch, as it lies on the device (`unpackStates` of `@bidl/graph` reads it). */
  async readState(): Promise<Uint8Array> {
    await this.session.synchronize(this.receive, this.send);
    return this.session.readState();
  }

  /** Ends it: waits for what runs, then gives everything back. Calling it again does nothing. */
  async dispose(): Promise<void> {
    const { session } = this;
    if (session.isDisposed) return;
    const known = session.failure;
    if (known === undefined) await session.synchronize(this.receive, this.send).catch(() => undefined);
    const released = session.release();
    const error = session.failure ?? released;
    if (known === undefined && error !== undefined) throw error;
  }

  private takeFlight(): Promise<Flight> | Flight {
    const flight = this.queue.length === 0 ? this.idle.pop() : undefined;
    return flight ?? new Promise((resolve, reject) => this.queue.push({ resolve, reject }));
  }

  private giveBack(flight: Flight): void {
    const next = this.queue.shift();
    if (next) next.resolve(flight);
    else this.idle.push(flight);
  }
}

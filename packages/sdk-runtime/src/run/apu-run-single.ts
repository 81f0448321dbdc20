import { type DevicePtr, MEMCPY, type ModelDesc, type Stream } from '../driver.js';
import { type ApuRunOptions, checkSteps, type RunOutput } from './apu-run.js';
import { describeLines } from './describe.js';
import { fillStaging, type SampleData, splitOutputs } from './layout.js';
import { Session } from './session.js';

/**
 * Runs a compiled network one time step at a time, for streams of frames and for looking at the state in between: as
 * upstream's `ApuRun_Single`. The state is reset before every `timesteps`-th step, or never with `timesteps` undefined.
 *
 * @example
 * const run = new ApuRunSingle(0, path, 20, { driver });
 * const [logits] = await run.step(frame);
 * await run.dispose();
 */
export class ApuRunSingle {
  readonly desc: ModelDesc;
  readonly batch: number;
  private readonly session: Session;
  private readonly stream: Stream;
  private readonly input: DevicePtr;
  private readonly output: DevicePtr;
  private readonly staging: Uint8Array;
  private readonly host: Uint8Array;
  private index = 0;
  private last: Promise<unknown> = Promise.resolve();

  /** @throws as `ApuRun` */
  constructor(
    chipId: number,
    path: string,
    private readonly timesteps: number | undefined,
    { driver, log }: ApuRunOptions,
  ) {
    const session = new Session(driver, chipId, path);
    this.session = session;
    this.desc = session.desc;
    this.batch = session.batch;
    this.staging = new Uint8Array(this.desc.inputDataLen * this.batch);
    this.host = new Uint8Array(this.desc.outputDataLen * this.batch);
    const made = session.make(() => {
      if (timesteps !== undefined) checkSteps(timesteps, session.desc);
      const stream = session.stream();
      return {
        stream,
        input: session.buffer(this.staging.byteLength),
        output: session.buffer(this.host.byteLength),
      };
    });
    this.stream = made.stream;
    this.input = made.input;
    this.output = made.output;
    if (log) describeLines(this.desc).forEach(log);
  }

  /**
   * One time step.
   *
   * @param frame `[1, ...shape]`, or `[B, 1, ...shape]` for a batch; one array for each input of the model
   * @returns one array for each output: `[1, ...shape]`, or `[1, B, ...shape]`
   */
  step(frame: SampleData | readonly SampleData[]): Promise<RunOutput> {
    const work = this.last.catch(() => undefined).then(() => this.compute(frame));
    this.last = work;
    return work;
  }

  private async compute(frame: SampleData | readonly SampleData[]): Promise<RunOutput> {
    const { session, stream, input, output, staging, host } = this;
    const { driver, model, context } = session;
    session.check();
    fillStaging(staging, this.desc, 'data' in frame ? [frame] : frame, 1);
    try {
      driver.setCurrentContext(context);
      driver.memcpyAsync(stream, input, staging, staging.byteLength, MEMCPY.clientToServer);
      if (this.index === 0) driver.modelResetAsync(stream, model);
      driver.executeModelAsync(stream, model, input, output, this.batch);
      driver.memcpyAsync(stream, host, output, host.byteLength, MEMCPY.serverToClient);
    } catch (error) {
      session.fail(error);
      throw error;
    }
    await session.synchronize(stream);
    this.index = this.timesteps === undefined ? 1 : (this.index + 1) % this.timesteps;
    return splitOutputs(host, this.desc, 1);
  }

  /** Starts the next step from the initial state. */
  reset(): void {
    this.index = 0;
  }

  /** The state after the last step, of the whole batch, as it lies on the device (`unpackStates` of `@bidl/graph` reads it). */
  async readState(): Promise<Uint8Array> {
    await this.last.catch(() => undefined);
    return this.session.readState();
  }

  /** Goes on from a state that {@link readState} gave. */
  async writeState(state: Uint8Array): Promise<void> {
    await this.last.catch(() => undefined);
    this.session.writeState(state);
    this.index = this.index === 0 ? 1 : this.index;
  }

  /** Gives everything back. Calling it again does nothing. */
  async dispose(): Promise<void> {
    const { session } = this;
    if (session.isDisposed) return;
    await this.last.catch(() => undefined);
    const reported = session.failure !== undefined;
    const error = session.release();
    if (error !== undefined && !reported) throw error;
  }
}

import {
  type Context,
  type DeviceEvent,
  type DevicePtr,
  type Driver,
  type Model,
  type ModelDesc,
  MEMCPY,
  type Stream,
} from '../driver.js';
import { DriverError, driverError } from '../errors.js';

/**
 * A model on a device with everything that was made for it, in the order in which it has to go again. Whatever fails
 * first is kept as `failure`; nothing else is reported after it.
 */
export class Session {
  readonly context: Context;
  readonly model: Model;
  readonly desc: ModelDesc;
  /** The first error of a call, of a command on the device, or of a callback. */
  failure: unknown;
  private readonly pending: (() => void)[] = [];
  private disposed = false;

  /**
   * @param onFailure called once, with the first failure
   * @throws DriverError of the first call that fails; everything is given back then
   */
  constructor(
    readonly driver: Driver,
    chipId: number,
    path: string,
    private readonly onFailure: (error: unknown) => void = () => undefined,
  ) {
    const count = driver.getDeviceCount();
    if (!Number.isInteger(chipId) || chipId < 0 || chipId >= count) {
      const there = count === 1 ? 'there is only device 0' : `there are ${count}, numbered from 0`;
      throw driverError('lynCreateContext', 'deviceId', `device ${chipId}: ${there}`);
    }
    this.context = driver.createContext(chipId);
    this.atEnd(() => driver.destroyContext(this.context));
    const made = this.make(() => {
      driver.setCurrentContext(this.context);
      driver.registerErrorHandler(({ errCode, errFunction }) => {
        this.fail(new DriverError(errFunction, errCode));
      });
      const model = driver.loadModel(path);
      this.atEnd(() => driver.unloadModel(model));
      return { model, desc: driver.modelGetDesc(model) };
    });
    this.model = made.model;
    this.desc = made.desc;
  }

  get batch(): number {
    return this.desc.inputTensorAttrArray[0].batchSize;
  }

  /** Runs what makes things; when it throws, all that was made before goes again. */
  make<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      this.fail(error);
      this.release();
      throw error;
    }
  }

  stream(): Stream {
    const stream = this.driver.createStream();
    this.atEnd(() => this.driver.destroyStream(stream));
    return stream;
  }

  event(): DeviceEvent {
    const event = this.driver.createEvent();
    this.atEnd(() => this.driver.destroyEvent(event));
    return event;
  }

  buffer(bytes: number): DevicePtr {
    const pointer = this.driver.malloc(bytes);
    this.atEnd(() => this.driver.free(pointer));
    return pointer;
  }

  fail(error: unknown): void {
    if (this.failure !== undefined) return;
    this.failure = error;
    this.onFailure(error);
  }

  /** @throws the first failure, or an error when the session has ended */
  check(): void {
    if (this.failure !== undefined) throw this.failure;
    if (this.disposed) throw driverError('lynSetCurrentContext', 'contextWrong', 'this run was disposed');
  }

  async synchronize(...streams: readonly Stream[]): Promise<void> {
    this.check();
    try {
      for (const stream of streams) await this.driver.synchronizeStream(stream);
    } catch (error) {
      this.fail(error);
    }
    this.check();
  }

  /** The state of the whole batch as it lies on the device; only while no step is running. */
  readState(): Uint8Array {
    this.check();
    const { address, bytes } = this.desc.state;
    const host = new Uint8Array(bytes);
    if (bytes > 0) this.driver.memcpyEx(address, host, bytes, MEMCPY.serverToClient);
    return host;
  }

  /** Puts back what {@link readState} gave. */
  writeState(state: Uint8Array): void {
    this.check();
    const { address, bytes } = this.desc.state;
    if (state.byteLength !== bytes) {
      throw driverError('lynMemcpyEx', 'argument', `the state has ${bytes} bytes, not ${state.byteLength}`);
    }
    if (bytes > 0) this.driver.memcpyEx(address, state, bytes, MEMCPY.clientToServer);
  }

  /**
   * Gives everything back, last made first. What fails is tried once more, and the rest goes all the same.
   *
   * @returns the first error of it, if any
   */
  release(): unknown {
    this.disposed = true;
    let first: unknown;
    for (let step = this.pending.pop(); step; step = this.pending.pop()) {
      try {
        step();
      } catch (error) {
        first ??= error;
        try {
          step();
        } catch {
          // Destroying the context takes it along.
        }
      }
    }
    return first;
  }

  get isDisposed(): boolean {
    return this.disposed;
  }

  private atEnd(step: () => void): void {
    this.pending.push(step);
  }
}

import { COMMANDS, type DeviceListener, type PlanLibrary } from '@bidl/kernels';
import { DriverError, driverError } from '../errors.js';

interface Promised {
  readonly call: string;
  resolve(): void;
  reject(error: unknown): void;
}

const NAMES: string[] = [];
const IDS = new Map<string, number>();

/** What this process waits for from one device: promises and callbacks, by number. */
export class Waiting {
  private readonly promised = new Map<number, Promised>();
  private readonly callbacks = new Map<
    number,
    { readonly callback: () => void; readonly blocking: boolean; readonly stream: number }
  >();
  /** What a callback threw, by stream: the next synchronize of that stream rejects with it. */
  private readonly thrown = new Map<number, unknown>();
  private device = -1;
  private last = 0;

  constructor(
    private readonly library: PlanLibrary,
    private readonly failed: (code: number, call: string) => void,
  ) {}

  /** The small number under which a call's name travels through native code. */
  static idOf(call: string): number {
    const known = IDS.get(call);
    if (known !== undefined) return known;
    const id = NAMES.push(call) - 1;
    IDS.set(call, id);
    return id;
  }

  attach(device: number): void {
    this.device = device;
  }

  readonly listen: DeviceListener = (kind, stream, id, code, call) => {
    if (kind === 2) this.failed(code, NAMES[call] ?? 'lynExecuteModelAsync');
    else if (kind === 1) this.runCallback(stream, id);
    else this.settle(stream, id, code, call);
  };

  /** Resolves when the stream has come this far. */
  notified(stream: number, call: string): Promise<void> {
    const id = ++this.last;
    const promise = new Promise<void>((resolve, reject) => this.promised.set(id, { call, resolve, reject }));
    this.hold();
    this.library.enqueueMark(this.device, stream, Waiting.idOf(call), COMMANDS.notify, id, false);
    return promise;
  }

  callback(stream: number, call: string, callback: () => void, blocking: boolean): void {
    const id = ++this.last;
    this.callbacks.set(id, { callback, blocking, stream });
    this.hold();
    this.library.enqueueMark(this.device, stream, Waiting.idOf(call), COMMANDS.callback, id, blocking);
  }

  /** The stream is gone: its callbacks are not called any more. */
  forget(stream: number): void {
    for (const [id, entry] of this.callbacks) if (entry.stream === stream) this.callbacks.delete(id);
    this.thrown.delete(stream);
    this.hold();
  }

  /** Rejects everything that is left. */
  abandon(error: DriverError): void {
    for (const { reject } of this.promised.values()) reject(error);
    this.promised.clear();
    this.callbacks.clear();
  }

  private runCallback(stream: number, id: number): void {
    const entry = this.callbacks.get(id);
    this.callbacks.delete(id);
    try {
      entry?.callback();
    } catch (error) {
      this.thrown.set(stream, error);
    } finally {
      if (entry?.blocking) this.library.resumeStream(this.device, stream);
      this.hold();
    }
  }

  private settle(stream: number, id: number, code: number, call: number): void {
    const promised = this.promised.get(id);
    this.promised.delete(id);
    // After a failure the stream drops its callbacks.
    if (code !== 0)
      for (const [key, entry] of this.callbacks)
        if (entry.stream === stream && key < id) this.callbacks.delete(key);
    this.hold();
    if (!promised) return;
    const thrown = this.thrown.get(stream);
    this.thrown.delete(stream);
    if (code > 0) promised.reject(new DriverError(NAMES[call] ?? promised.call, code));
    else if (code < 0) promised.reject(driverError(promised.call, 'stream', 'it was destroyed meanwhile'));
    else if (thrown !== undefined) promised.reject(thrown);
    else promised.resolve();
  }

  /** The process stays alive as long as something is waited for. */
  private hold(): void {
    if (this.device >= 0) this.library.holdProcess(this.device, this.promised.size + this.callbacks.size > 0);
  }
}

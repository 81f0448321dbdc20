import { COMMANDS, type PlanLibrary, preparePlan } from '@bidl/kernels';
import {
  type Context,
  type DeviceEvent,
  type DeviceProperties,
  type DevicePtr,
  type Driver,
  type ErrorMessage,
  type HostMemory,
  MEMCPY,
  type MemcpyDirection,
  type Model,
  type ModelDesc,
  type Stream,
} from '../driver.js';
import { DriverError, driverError, LYN_ERRORS } from '../errors.js';
import { type Fault, Faults } from './faults.js';
import { copyEnds } from './copy-ends.js';
import {
  Holdings,
  type SimContext,
  type SimEvent,
  type SimModel,
  type SimStream,
  type Usage,
} from './holdings.js';
import { DeviceMemory } from './memory.js';
import { describeModel, loadArtifact, weightBytes } from './model.js';
import { Waiting } from './waiting.js';

export interface SimulatorOptions {
  /** How many devices there are. Default 1. */
  readonly devices?: number;
  /** Memory of each, in bytes. Default 1 GiB; pages exist once they are written. */
  readonly memoryBytes?: number;
  /** Streams that a device can have. Default 64. */
  readonly maxStreams?: number;
  readonly faults?: readonly Fault[];
  /** Threads that a device may use. Default: the cores, shared evenly. */
  readonly threads?: number;
  /** The native library; by default it is built where needed and loaded. */
  readonly library?: PlanLibrary;
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
  return new Simulator(options.library ?? (await preparePlan()), options);
}

export class Simulator implements Driver {
  private readonly faults: Faults;
  private readonly held: Holdings;

  constructor(
    private readonly library: PlanLibrary,
    private readonly options: SimulatorOptions,
  ) {
    this.faults = new Faults(options.faults ?? []);
    const bytes = options.memoryBytes ?? 2 ** 30;
    const devices = Array.from({ length: options.devices ?? 1 }, (_, id) => {
      const waiting = new Waiting(library, (code, call) => this.failed(id, code, call));
      const handle = library.openDevice(bytes, waiting.listen);
      waiting.attach(handle);
      return { handle, memory: new DeviceMemory(id, bytes), waiting };
    });
    this.held = new Holdings(library, devices);
  }

  private get threads(): number {
    return this.options.threads ?? Math.max(1, Math.floor(this.library.threads / this.held.devices.length));
  }

  /** What has been made and not given back: all zero when nothing leaked. */
  usage(): Usage {
    return this.held.usage();
  }

  /** How often each call was made, by LynSDK's name. */
  get calls(): ReadonlyMap<string, number> {
    return this.faults.counts;
  }

  /** Ends the devices' threads and gives back their memory. What still waits is rejected. */
  close(): void {
    if (this.held.closed) return;
    this.held.closed = true;
    for (const context of [...this.held.contexts]) this.held.release(context);
    for (const { handle, waiting } of this.held.devices) {
      this.library.closeDevice(handle);
      waiting.abandon(
        new DriverError('lynSynchronizeStream', LYN_ERRORS.deviceStatus[0], 'the simulator was closed'),
      );
    }
  }

  getDeviceCount(): number {
    this.faults.enter('lynGetDeviceCount');
    return this.held.devices.length;
  }

  getDeviceProperties(device: number): DeviceProperties {
    this.faults.enter('lynGetDeviceProperties');
    const { memory } = this.held.device('lynGetDeviceProperties', device);
    return { name: 'bidl simulator', memoryTotal: memory.bytes, memoryUsed: memory.used };
  }

  createContext(device: number): Context {
    const call = 'lynCreateContext';
    this.faults.enter(call);
    this.held.device(call, device);
    const context: SimContext = {
      kind: 'context',
      device,
      owned: new Set(),
      buffers: new Set(),
      handler: () => undefined,
    };
    this.held.contexts.add(context);
    this.held.current = context;
    return context;
  }

  destroyContext(context: Context): void {
    const call = 'lynDestroyContext';
    this.faults.enter(call);
    this.held.release(this.held.contextOf(call, context));
  }

  setCurrentContext(context: Context): void {
    const call = 'lynSetCurrentContext';
    this.faults.enter(call);
    this.held.current = this.held.contextOf(call, context);
  }

  getCurrentContext(): Context {
    const call = 'lynGetCurrentContext';
    this.faults.enter(call);
    return this.held.here(call);
  }

  registerErrorHandler(handler: (message: ErrorMessage) => void): void {
    const call = 'lynRegisterErrorHandler';
    this.faults.enter(call);
    this.held.here(call).handler = handler;
  }

  createStream(): Stream {
    const call = 'lynCreateStream';
    this.faults.enter(call);
    const context = this.held.here(call);
    const { handle } = this.held.devices[context.device];
    const open = [...this.held.contexts]
      .filter(({ device }) => device === context.device)
      .flatMap(({ owned }) => [...owned].filter(({ kind }) => kind === 'stream'));
    const { maxStreams = 64 } = this.options;
    if (open.length >= maxStreams) throw driverError(call, 'streamLimit', `a device has ${maxStreams}`);
    const stream: SimStream = {
      kind: 'stream',
      device: context.device,
      handle: this.library.openStream(handle),
      context,
      retained: new Map(),
      commands: 0,
    };
    context.owned.add(stream);
    return stream;
  }

  destroyStream(stream: Stream): void {
    const call = 'lynDestroyStream';
    this.faults.enter(call);
    this.held.drop(this.held.streamOf(call, stream));
  }

  async synchronizeStream(stream: Stream): Promise<void> {
    const call = 'lynSynchronizeStream';
    const code = this.faults.enter(call);
    const target = this.held.streamOf(call, stream);
    const { waiting } = this.held.devices[target.device];
    this.inject(target, call, code);
    const commands = ++target.commands;
    await waiting.notified(target.handle, call);
    for (const [memory, last] of target.retained) if (last < commands) target.retained.delete(memory);
  }

  streamAddCallback(stream: Stream, callback: () => void): void {
    this.addCallback('lynStreamAddCallback', stream, callback, true);
  }

  streamAddAsyncCallback(stream: Stream, callback: () => void): void {
    this.addCallback('lynStreamAddAsyncCallback', stream, callback, false);
  }

  private addCallback(call: string, stream: Stream, callback: () => void, blocking: boolean): void {
    const code = this.faults.enter(call);
    const target = this.held.streamOf(call, stream);
    if (!this.inject(target, call, code)) {
      this.held.devices[target.device].waiting.callback(target.handle, call, callback, blocking);
    }
  }

  createEvent(): DeviceEvent {
    const call = 'lynCreateEvent';
    this.faults.enter(call);
    const context = this.held.here(call);
    const event: SimEvent = {
      kind: 'event',
      device: context.device,
      handle: this.library.openEvent(),
      context,
    };
    context.owned.add(event);
    return event;
  }

  destroyEvent(event: DeviceEvent): void {
    const call = 'lynDestroyEvent';
    this.faults.enter(call);
    this.held.drop(this.held.eventOf(call, event));
  }

  recordEvent(stream: Stream, event: DeviceEvent): void {
    const target = this.onEvent('lynRecordEvent', stream, event, true);
    this.held.eventOf('lynRecordEvent', event).stream = target;
  }

  streamWaitEvent(stream: Stream, event: DeviceEvent): void {
    this.onEvent('lynStreamWaitEvent', stream, event, false);
  }

  private onEvent(call: string, stream: Stream, event: DeviceEvent, record: boolean): SimStream {
    const code = this.faults.enter(call);
    const target = this.held.streamOf(call, stream);
    const { handle } = this.held.eventOf(call, event);
    if (!this.inject(target, call, code)) {
      target.commands++;
      const device = this.held.devices[target.device].handle;
      this.library.enqueueEvent(device, target.handle, Waiting.idOf(call), record, handle);
    }
    return target;
  }

  async synchronizeEvent(event: DeviceEvent): Promise<void> {
    const call = 'lynSynchronizeEvent';
    this.faults.enter(call);
    const { stream } = this.held.eventOf(call, event);
    if (!stream) throw driverError(call, 'eventInvalid', 'it has not been recorded anywhere');
    await this.held.devices[stream.device].waiting.notified(stream.handle, call);
  }

  eventElapsedTime(start: DeviceEvent, end: DeviceEvent): number {
    const call = 'lynEventElapsedTime';
    this.faults.enter(call);
    const [from, to] = [start, end].map((event) =>
      this.library.eventTime(this.held.eventOf(call, event).handle),
    );
    if (from === 0 || to === 0) throw driverError(call, 'eventInvalid', 'it has not been recorded');
    return to - from;
  }

  malloc(bytes: number): DevicePtr {
    const call = 'lynMalloc';
    this.faults.enter(call);
    const context = this.held.here(call);
    const pointer = this.held.devices[context.device].memory.take(call, bytes);
    context.buffers.add(pointer);
    return pointer;
  }

  free(pointer: DevicePtr): void {
    const call = 'lynFree';
    this.faults.enter(call);
    const device = this.held.ownerOf(call, pointer);
    device.memory.giveBack(call, pointer);
    for (const { buffers } of this.held.contexts) buffers.delete(pointer);
  }

  addrSeek(pointer: DevicePtr, bytes: number): DevicePtr {
    return (pointer + bytes) as DevicePtr;
  }

  devPtr2PhysAddr(pointer: DevicePtr): number {
    const call = 'lynDevPtr2PhysAddr';
    this.faults.enter(call);
    this.held.ownerOf(call, pointer).memory.offsetOf(call, pointer, 0);
    return pointer;
  }

  memcpy(
    dst: DevicePtr | HostMemory,
    src: DevicePtr | HostMemory,
    bytes: number,
    dir: MemcpyDirection,
  ): void {
    this.copyNow('lynMemcpy', dst, src, bytes, dir);
  }

  memcpyAsync(
    stream: Stream,
    dst: DevicePtr | HostMemory,
    src: DevicePtr | HostMemory,
    bytes: number,
    dir: MemcpyDirection,
  ): void {
    this.copyLater('lynMemcpyAsync', stream, dst, src, bytes, dir);
  }

  memcpyEx(address: number, host: HostMemory, bytes: number, dir: MemcpyDirection): void {
    const pointer = address as DevicePtr;
    const [dst, src] = dir === MEMCPY.serverToClient ? [host, pointer] : [pointer, host];
    this.copyNow('lynMemcpyEx', dst, src, bytes, dir);
  }

  memcpyAsyncEx(
    stream: Stream,
    address: number,
    host: HostMemory,
    bytes: number,
    dir: MemcpyDirection,
  ): void {
    const pointer = address as DevicePtr;
    const [dst, src] = dir === MEMCPY.serverToClient ? [host, pointer] : [pointer, host];
    this.copyLater('lynMemcpyAsyncEx', stream, dst, src, bytes, dir);
  }

  memset(pointer: DevicePtr, value: number, bytes: number): void {
    const call = 'lynMemset';
    this.faults.enter(call);
    const { handle, memory } = this.held.ownerOf(call, pointer);
    this.library.fillNow(handle, memory.offsetOf(call, pointer, bytes), value, bytes);
  }

  memsetAsync(stream: Stream, pointer: DevicePtr, value: number, bytes: number): void {
    const call = 'lynMemsetAsync';
    const code = this.faults.enter(call);
    const target = this.held.streamOf(call, stream);
    const { handle, memory } = this.held.devices[target.device];
    const offset = memory.offsetOf(call, pointer, bytes);
    if (this.inject(target, call, code)) return;
    target.commands++;
    this.library.enqueueFill(handle, target.handle, Waiting.idOf(call), offset, value, bytes);
  }

  loadModel(path: string): Model {
    const call = 'lynLoadModel';
    this.faults.enter(call);
    const context = this.held.here(call);
    const { handle, memory } = this.held.devices[context.device];
    const artifact = loadArtifact(path);
    const { program, batch } = artifact;
    const weights = memory.take(call, weightBytes(artifact));
    let state: DevicePtr;
    try {
      state = memory.take(call, Math.max(1, program.stateBytes * batch));
    } catch (error) {
      memory.giveBack(call, weights);
      throw error;
    }
    const model: SimModel = {
      kind: 'model',
      device: context.device,
      handle: this.library.openModel(
        handle,
        program.code,
        program.weights,
        program.constants,
        memory.offsetOf(call, state, 0),
        this.threads,
        batch,
      ),
      context,
      desc: describeModel(artifact, state),
      batch,
      weights,
    };
    context.owned.add(model);
    return model;
  }

  unloadModel(model: Model): void {
    const call = 'lynUnloadModel';
    this.faults.enter(call);
    this.held.drop(this.held.modelOf(call, model));
  }

  modelGetDesc(model: Model): ModelDesc {
    const call = 'lynModelGetDesc';
    this.faults.enter(call);
    return this.held.modelOf(call, model).desc;
  }

  modelResetAsync(stream: Stream, model: Model): void {
    const call = 'lynModelResetAsync';
    const code = this.faults.enter(call);
    const target = this.held.streamOf(call, stream);
    const { handle, batch } = this.held.modelOf(call, model);
    this.onModel(call, code, target, COMMANDS.reset, handle, 0, 0, batch);
  }

  executeModelAsync(stream: Stream, model: Model, input: DevicePtr, output: DevicePtr, batch: number): void {
    this.compute('lynExecuteModelAsync', COMMANDS.step, stream, model, input, output, batch);
  }

  modelSendInputAsync(
    stream: Stream,
    model: Model,
    input: DevicePtr,
    output: DevicePtr,
    batch: number,
  ): void {
    this.compute('lynModelSendInputAsync', COMMANDS.send, stream, model, input, output, batch);
  }

  modelRecvOutputAsync(stream: Stream, model: Model): void {
    const call = 'lynModelRecvOutputAsync';
    const code = this.faults.enter(call);
    const target = this.held.streamOf(call, stream);
    const { handle, batch } = this.held.modelOf(call, model);
    this.onModel(call, code, target, COMMANDS.receive, handle, 0, 0, batch);
  }

  private compute(
    call: string,
    kind: number,
    stream: Stream,
    model: Model,
    input: DevicePtr,
    output: DevicePtr,
    batch: number,
  ): void {
    const code = this.faults.enter(call);
    const target = this.held.streamOf(call, stream);
    const { handle, desc, batch: compiled } = this.held.modelOf(call, model);
    if (batch !== compiled) {
      throw driverError(
        call,
        'batchInvalid',
        `the model was compiled for ${compiled} sample(s), not ${batch}`,
      );
    }
    const { memory } = this.held.devices[target.device];
    const from = memory.offsetOf(call, input, desc.inputDataLen * batch);
    const to = memory.offsetOf(call, output, desc.outputDataLen * batch);
    this.onModel(call, code, target, kind, handle, from, to, batch);
  }

  private onModel(
    call: string,
    code: number,
    stream: SimStream,
    kind: number,
    model: number,
    from: number,
    to: number,
    batch: number,
  ): void {
    if (this.inject(stream, call, code)) return;
    stream.commands++;
    const { handle } = this.held.devices[stream.device];
    this.library.enqueueModel(handle, stream.handle, Waiting.idOf(call), kind, model, from, to, batch);
  }

  private copyNow(
    call: string,
    dst: DevicePtr | HostMemory,
    src: DevicePtr | HostMemory,
    bytes: number,
    dir: MemcpyDirection,
  ): void {
    this.faults.enter(call);
    const { device, to, from } = copyEnds(this.held, call, dst, src, bytes, dir);
    this.library.copyNow(device.handle, to, from, bytes);
  }

  private copyLater(
    call: string,
    stream: Stream,
    dst: DevicePtr | HostMemory,
    src: DevicePtr | HostMemory,
    bytes: number,
    dir: MemcpyDirection,
  ): void {
    const code = this.faults.enter(call);
    const target = this.held.streamOf(call, stream);
    const { device, to, from, other } = copyEnds(this.held, call, dst, src, bytes, dir, target.device);
    if (this.inject(target, call, code)) return;
    target.commands++;
    for (const end of [dst, src]) if (typeof end !== 'number') target.retained.set(end, target.commands);
    const id = Waiting.idOf(call);
    if (other) this.library.enqueueCopy(device.handle, target.handle, id, to, from, bytes, other.handle);
    else this.library.enqueueCopy(device.handle, target.handle, id, to, from, bytes);
  }

  /** Enqueues a failure in place of a command. */
  private inject(stream: SimStream, call: string, code: number): boolean {
    if (code === 0) return false;
    stream.commands++;
    const { handle } = this.held.devices[stream.device];
    this.library.enqueueMark(handle, stream.handle, Waiting.idOf(call), COMMANDS.fault, code, false);
    return true;
  }

  private failed(device: number, code: number, call: string): void {
    const error = new DriverError(call, code);
    for (const context of this.held.contexts) {
      if (context.device !== device) continue;
      context.handler({
        errCode: code,
        errMsg: error.message,
        errModule: 'simulator',
        errFunction: call,
        errDeviceId: device,
      });
    }
  }
}

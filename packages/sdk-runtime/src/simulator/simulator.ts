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

/** What is in use on the devices together. */
export interface Usage {
  readonly contexts: number;
  readonly streams: number;
  readonly events: number;
  readonly models: number;
  readonly buffers: number;
  readonly bytes: number;
}

interface SimDevice {
  readonly handle: number;
  readonly memory: DeviceMemory;
  readonly waiting: Waiting;
}
interface SimContext extends Context {
  readonly owned: Set<SimStream | SimEvent | SimModel>;
  readonly buffers: Set<DevicePtr>;
  handler: (message: ErrorMessage) => void;
}
interface SimStream extends Stream {
  readonly handle: number;
  readonly context: SimContext;
  /** Host memory that commands still need, with the number of the last such command. */
  readonly retained: Map<HostMemory, number>;
  commands: number;
}
interface SimEvent extends DeviceEvent {
  readonly handle: number;
  readonly context: SimContext;
  /** Where it was last recorded. */
  stream?: SimStream;
}
interface SimModel extends Model {
  readonly handle: number;
  readonly context: SimContext;
  readonly desc: ModelDesc;
  readonly batch: number;
  readonly weights: DevicePtr;
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
  private readonly devices: readonly SimDevice[];
  private readonly contexts = new Set<SimContext>();
  private current: SimContext | undefined;
  private closed = false;

  constructor(
    private readonly library: PlanLibrary,
    private readonly options: SimulatorOptions,
  ) {
    this.faults = new Faults(options.faults ?? []);
    const bytes = options.memoryBytes ?? 2 ** 30;
    this.devices = Array.from({ length: options.devices ?? 1 }, (_, id) => {
      const waiting = new Waiting(library, (code, call) => this.failed(id, code, call));
      const handle = library.openDevice(bytes, waiting.listen);
      waiting.attach(handle);
      return { handle, memory: new DeviceMemory(id, bytes), waiting };
    });
  }

  private get threads(): number {
    return this.options.threads ?? Math.max(1, Math.floor(this.library.threads / this.devices.length));
  }

  /** How often each call was made, by LynSDK's name. */
  get calls(): ReadonlyMap<string, number> {
    return this.faults.counts;
  }

  /** What has been made and not given back: all zero when nothing leaked. */
  usage(): Usage {
    const owned = [...this.contexts].flatMap((context) => [...context.owned]);
    const count = (kind: string) => owned.filter((item) => item.kind === kind).length;
    const sum = (of: (memory: DeviceMemory) => number) =>
      this.devices.reduce((total, { memory }) => total + of(memory), 0);
    return {
      contexts: this.contexts.size,
      streams: count('stream'),
      events: count('event'),
      models: count('model'),
      buffers: sum((memory) => memory.buffers),
      bytes: sum((memory) => memory.used),
    };
  }

  /** Ends the devices' threads and gives back their memory. What still waits is rejected. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const context of [...this.contexts]) this.release(context);
    for (const { handle, waiting } of this.devices) {
      this.library.closeDevice(handle);
      waiting.abandon(
        new DriverError('lynSynchronizeStream', LYN_ERRORS.deviceStatus[0], 'the simulator was closed'),
      );
    }
  }

  getDeviceCount(): number {
    this.faults.enter('lynGetDeviceCount');
    return this.devices.length;
  }

  getDeviceProperties(device: number): DeviceProperties {
    this.faults.enter('lynGetDeviceProperties');
    const { memory } = this.device('lynGetDeviceProperties', device);
    return { name: 'bidl simulator', memoryTotal: memory.bytes, memoryUsed: memory.used };
  }

  createContext(device: number): Context {
    const call = 'lynCreateContext';
    this.faults.enter(call);
    this.device(call, device);
    const context: SimContext = {
      kind: 'context',
      device,
      owned: new Set(),
      buffers: new Set(),
      handler: () => undefined,
    };
    this.contexts.add(context);
    this.current = context;
    return context;
  }

  destroyContext(context: Context): void {
    const call = 'lynDestroyContext';
    this.faults.enter(call);
    this.release(this.contextOf(call, context));
  }

  setCurrentContext(context: Context): void {
    const call = 'lynSetCurrentContext';
    this.faults.enter(call);
    this.current = this.contextOf(call, context);
  }

  getCurrentContext(): Context {
    const call = 'lynGetCurrentContext';
    this.faults.enter(call);
    return this.here(call);
  }

  registerErrorHandler(handler: (message: ErrorMessage) => void): void {
    const call = 'lynRegisterErrorHandler';
    this.faults.enter(call);
    this.here(call).handler = handler;
  }

  createStream(): Stream {
    const call = 'lynCreateStream';
    this.faults.enter(call);
    const context = this.here(call);
    const { handle } = this.devices[context.device];
    const open = [...this.contexts]
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
    this.drop(this.streamOf(call, stream));
  }

  async synchronizeStream(stream: Stream): Promise<void> {
    const call = 'lynSynchronizeStream';
    const code = this.faults.enter(call);
    const target = this.streamOf(call, stream);
    const { waiting } = this.devices[target.device];
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
    const target = this.streamOf(call, stream);
    if (!this.inject(target, call, code)) {
      this.devices[target.device].waiting.callback(target.handle, call, callback, blocking);
    }
  }

  createEvent(): DeviceEvent {
    const call = 'lynCreateEvent';
    this.faults.enter(call);
    const context = this.here(call);
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
    this.drop(this.eventOf(call, event));
  }

  recordEvent(stream: Stream, event: DeviceEvent): void {
    const target = this.onEvent('lynRecordEvent', stream, event, true);
    this.eventOf('lynRecordEvent', event).stream = target;
  }

  streamWaitEvent(stream: Stream, event: DeviceEvent): void {
    this.onEvent('lynStreamWaitEvent', stream, event, false);
  }

  private onEvent(call: string, stream: Stream, event: DeviceEvent, record: boolean): SimStream {
    const code = this.faults.enter(call);
    const target = this.streamOf(call, stream);
    const { handle } = this.eventOf(call, event);
    if (!this.inject(target, call, code)) {
      target.commands++;
      const device = this.devices[target.device].handle;
      this.library.enqueueEvent(device, target.handle, Waiting.idOf(call), record, handle);
    }
    return target;
  }

  async synchronizeEvent(event: DeviceEvent): Promise<void> {
    const call = 'lynSynchronizeEvent';
    this.faults.enter(call);
    const { stream } = this.eventOf(call, event);
    if (!stream) throw driverError(call, 'eventInvalid', 'it has not been recorded anywhere');
    await this.devices[stream.device].waiting.notified(stream.handle, call);
  }

  eventElapsedTime(start: DeviceEvent, end: DeviceEvent): number {
    const call = 'lynEventElapsedTime';
    this.faults.enter(call);
    const [from, to] = [start, end].map((event) => this.library.eventTime(this.eventOf(call, event).handle));
    if (from === 0 || to === 0) throw driverError(call, 'eventInvalid', 'it has not been recorded');
    return to - from;
  }

  malloc(bytes: number): DevicePtr {
    const call = 'lynMalloc';
    this.faults.enter(call);
    const context = this.here(call);
    const pointer = this.devices[context.device].memory.take(call, bytes);
    context.buffers.add(pointer);
    return pointer;
  }

  free(pointer: DevicePtr): void {
    const call = 'lynFree';
    this.faults.enter(call);
    const device = this.ownerOf(call, pointer);
    device.memory.giveBack(call, pointer);
    for (const { buffers } of this.contexts) buffers.delete(pointer);
  }

  addrSeek(pointer: DevicePtr, bytes: number): DevicePtr {
    return (pointer + bytes) as DevicePtr;
  }

  devPtr2PhysAddr(pointer: DevicePtr): number {
    const call = 'lynDevPtr2PhysAddr';
    this.faults.enter(call);
    this.ownerOf(call, pointer).memory.offsetOf(call, pointer, 0);
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
    const { handle, memory } = this.ownerOf(call, pointer);
    this.library.fillNow(handle, memory.offsetOf(call, pointer, bytes), value, bytes);
  }

  memsetAsync(stream: Stream, pointer: DevicePtr, value: number, bytes: number): void {
    const call = 'lynMemsetAsync';
    const code = this.faults.enter(call);
    const target = this.streamOf(call, stream);
    const { handle, memory } = this.devices[target.device];
    const offset = memory.offsetOf(call, pointer, bytes);
    if (this.inject(target, call, code)) return;
    target.commands++;
    this.library.enqueueFill(handle, target.handle, Waiting.idOf(call), offset, value, bytes);
  }

  loadModel(path: string): Model {
    const call = 'lynLoadModel';
    this.faults.enter(call);
    const context = this.here(call);
    const { handle, memory } = this.devices[context.device];
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
    this.drop(this.modelOf(call, model));
  }

  modelGetDesc(model: Model): ModelDesc {
    const call = 'lynModelGetDesc';
    this.faults.enter(call);
    return this.modelOf(call, model).desc;
  }

  modelResetAsync(stream: Stream, model: Model): void {
    const call = 'lynModelResetAsync';
    const code = this.faults.enter(call);
    const target = this.streamOf(call, stream);
    const { handle, batch } = this.modelOf(call, model);
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
    const target = this.streamOf(call, stream);
    const { handle, batch } = this.modelOf(call, model);
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
    const target = this.streamOf(call, stream);
    const { handle, desc, batch: compiled } = this.modelOf(call, model);
    if (batch !== compiled) {
      throw driverError(
        call,
        'batchInvalid',
        `the model was compiled for ${compiled} sample(s), not ${batch}`,
      );
    }
    const { memory } = this.devices[target.device];
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
    const { handle } = this.devices[stream.device];
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
    const { device, to, from } = this.copyEnds(call, dst, src, bytes, dir);
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
    const target = this.streamOf(call, stream);
    const { device, to, from, other } = this.copyEnds(call, dst, src, bytes, dir, target.device);
    if (this.inject(target, call, code)) return;
    target.commands++;
    for (const end of [dst, src]) if (typeof end !== 'number') target.retained.set(end, target.commands);
    const id = Waiting.idOf(call);
    if (other) this.library.enqueueCopy(device.handle, target.handle, id, to, from, bytes, other.handle);
    else this.library.enqueueCopy(device.handle, target.handle, id, to, from, bytes);
  }

  /** Both ends of a copy as the native library takes them; `other` is the device of `dst` where it differs. */
  private copyEnds(
    call: string,
    dst: DevicePtr | HostMemory,
    src: DevicePtr | HostMemory,
    bytes: number,
    dir: MemcpyDirection,
    streamDevice?: number,
  ) {
    const wanted = { [MEMCPY.clientToServer]: [false, true], [MEMCPY.serverToClient]: [true, false] }[
      dir as 1 | 2
    ] ?? [false, false];
    if ((typeof dst !== 'number') !== wanted[0] || (typeof src !== 'number') !== wanted[1]) {
      throw driverError(call, 'argument', `the direction ${dir} does not go with these ends`);
    }
    for (const end of [dst, src]) {
      if (typeof end !== 'number' && end.byteLength < bytes) {
        throw driverError(call, 'outOfBounds', `${bytes} bytes where the host has ${end.byteLength}`);
      }
    }
    const ofDst = typeof dst === 'number' ? this.ownerOf(call, dst) : undefined;
    const ofSrc = typeof src === 'number' ? this.ownerOf(call, src) : undefined;
    const device = streamDevice === undefined ? (ofSrc ?? ofDst) : this.devices[streamDevice];
    if (
      !device ||
      (ofSrc ?? ofDst) !== device ||
      (streamDevice === undefined && ofSrc && ofDst && ofSrc !== ofDst)
    ) {
      throw driverError(call, 'contextWrong', "the source must be on the stream's device");
    }
    const end = (owner: SimDevice | undefined, at: DevicePtr | HostMemory) =>
      typeof at === 'number' ? (owner ?? device).memory.offsetOf(call, at, bytes) : at;
    return {
      device,
      to: end(ofDst, dst),
      from: end(ofSrc, src),
      other: ofDst && ofDst !== device ? ofDst : undefined,
    };
  }

  /** Enqueues a failure in place of a command. */
  private inject(stream: SimStream, call: string, code: number): boolean {
    if (code === 0) return false;
    stream.commands++;
    const { handle } = this.devices[stream.device];
    this.library.enqueueMark(handle, stream.handle, Waiting.idOf(call), COMMANDS.fault, code, false);
    return true;
  }

  private failed(device: number, code: number, call: string): void {
    const error = new DriverError(call, code);
    for (const context of this.contexts) {
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

  /** Gives back one thing, by what it is. */
  private drop(item: SimStream | SimEvent | SimModel): void {
    const { handle, memory, waiting } = this.devices[item.device];
    item.context.owned.delete(item);
    if (item.kind === 'stream') {
      this.library.closeStream(handle, (item as SimStream).handle);
      waiting.forget((item as SimStream).handle);
    } else if (item.kind === 'event') this.library.closeEvent((item as SimEvent).handle);
    else {
      const model = item as SimModel;
      this.library.closeModel(handle, model.handle);
      memory.giveBack('lynUnloadModel', model.weights);
      memory.giveBack('lynUnloadModel', model.desc.state.address);
    }
  }

  private release(context: SimContext): void {
    const { memory, handle } = this.devices[context.device];
    // Streams first: nothing runs any more when the rest goes.
    const order = ['stream', 'model', 'event'];
    const owned = [...context.owned].sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
    for (const item of owned) this.drop(item);
    for (const pointer of context.buffers) memory.giveBack('lynDestroyContext', pointer);
    this.contexts.delete(context);
    if (this.current === context) this.current = undefined;
    if (![...this.contexts].some(({ device }) => device === context.device))
      this.library.recoverDevice(handle);
  }

  private device(call: string, id: number): SimDevice {
    const device = this.devices[id];
    if (this.closed || !device) {
      const there = this.devices.length;
      throw driverError(
        call,
        this.closed ? 'deviceStatus' : 'deviceId',
        this.closed ? 'the simulator was closed' : `device ${id}: there are ${there}, numbered from 0`,
      );
    }
    return device;
  }

  private ownerOf(call: string, pointer: number): SimDevice {
    const device = this.devices.find(({ memory }) => memory.owns(pointer));
    if (!device || this.closed) throw driverError(call, 'devicePointer', String(pointer));
    return device;
  }

  private here(call: string): SimContext {
    if (!this.current) throw driverError(call, 'contextNone', 'create a context first');
    return this.current;
  }

  private contextOf(call: string, context: Context): SimContext {
    if (!this.contexts.has(context as SimContext))
      throw driverError(call, 'contextWrong', 'it was destroyed');
    return context as SimContext;
  }

  private streamOf(call: string, stream: Stream): SimStream {
    const known = stream as SimStream;
    if (!known.context.owned.has(known)) throw driverError(call, 'stream');
    return known;
  }

  private eventOf(call: string, event: DeviceEvent): SimEvent {
    const known = event as SimEvent;
    if (!known.context.owned.has(known)) throw driverError(call, 'eventInvalid', 'it was destroyed');
    return known;
  }

  private modelOf(call: string, model: Model): SimModel {
    const known = model as SimModel;
    if (!known.context.owned.has(known)) throw driverError(call, 'modelId', 'it was unloaded');
    return known;
  }
}

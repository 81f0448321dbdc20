import type { PlanLibrary } from '@bidl/kernels';
import type {
  Context,
  DeviceEvent,
  DevicePtr,
  ErrorMessage,
  HostMemory,
  Model,
  ModelDesc,
  Stream,
} from '../driver.js';
import { driverError } from '../errors.js';
import type { DeviceMemory } from './memory.js';
import type { Waiting } from './waiting.js';

/** What is in use on the devices together. */
export interface Usage {
  readonly contexts: number;
  readonly streams: number;
  readonly events: number;
  readonly models: number;
  readonly buffers: number;
  /** Of DDR. */
  readonly bytes: number;
  readonly glbBytes: number;
}

export interface SimDevice {
  readonly handle: number;
  readonly memory: DeviceMemory;
  readonly waiting: Waiting;
}
export interface SimContext extends Context {
  readonly owned: Set<SimStream | SimEvent | SimModel>;
  readonly buffers: Set<DevicePtr>;
  handler: (message: ErrorMessage) => void;
}
export interface SimStream extends Stream {
  readonly handle: number;
  readonly context: SimContext;
  /** Host memory that commands still need, with the number of the last such command. */
  readonly retained: Map<HostMemory, number>;
  commands: number;
}
export interface SimEvent extends DeviceEvent {
  readonly handle: number;
  readonly context: SimContext;
  /** Where it was last recorded. */
  stream?: SimStream;
}
export interface SimModel extends Model {
  readonly handle: number;
  readonly context: SimContext;
  readonly desc: ModelDesc;
  readonly batch: number;
  readonly weights: DevicePtr;
}

/** Everything that was made on the devices and not given back, and the ways to find it or take it down. */
export class Holdings {
  readonly contexts = new Set<SimContext>();
  current: SimContext | undefined;
  closed = false;

  constructor(
    private readonly library: PlanLibrary,
    readonly devices: readonly SimDevice[],
  ) {}

  /** Counts it. */
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
      bytes: sum(({ ddr }) => ddr.used),
      glbBytes: sum(({ glb }) => glb.used),
    };
  }

  /** How many streams a device has. */
  streamsOf(device: number): number {
    return [...this.contexts]
      .filter((context) => context.device === device)
      .flatMap(({ owned }) => [...owned].filter(({ kind }) => kind === 'stream')).length;
  }

  /** Gives back one thing, by what it is. */
  drop(item: SimStream | SimEvent | SimModel): void {
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

  release(context: SimContext): void {
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

  device(call: string, id: number): SimDevice {
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

  ownerOf(call: string, pointer: number): SimDevice {
    const device = this.devices.find(({ memory }) => memory.owns(pointer));
    if (!device || this.closed) throw driverError(call, 'devicePointer', String(pointer));
    return device;
  }

  here(call: string): SimContext {
    if (!this.current) throw driverError(call, 'contextNone', 'create a context first');
    return this.current;
  }

  contextOf(call: string, context: Context): SimContext {
    if (!this.contexts.has(context as SimContext))
      throw driverError(call, 'contextWrong', 'it was destroyed');
    return context as SimContext;
  }

  streamOf(call: string, stream: Stream): SimStream {
    const known = stream as SimStream;
    if (!known.context.owned.has(known)) throw driverError(call, 'stream');
    return known;
  }

  eventOf(call: string, event: DeviceEvent): SimEvent {
    const known = event as SimEvent;
    if (!known.context.owned.has(known)) throw driverError(call, 'eventInvalid', 'it was destroyed');
    return known;
  }

  modelOf(call: string, model: Model): SimModel {
    const known = model as SimModel;
    if (!known.context.owned.has(known)) throw driverError(call, 'modelId', 'it was unloaded');
    return known;
  }
}

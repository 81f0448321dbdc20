/** An address on a device. Addition is allowed: see {@link Driver.addrSeek}. */
export type DevicePtr = number & { readonly __device: unique symbol };

/** Memory of this process: any typed array or Buffer. */
export type HostMemory = ArrayBufferView;

export interface Context {
  readonly kind: 'context';
  readonly device: number;
}
export interface Stream {
  readonly kind: 'stream';
  readonly device: number;
}
export interface DeviceEvent {
  readonly kind: 'event';
  readonly device: number;
}
export interface Model {
  readonly kind: 'model';
  readonly device: number;
}

/** lynDataType_t, as far as models here use it. */
export const DATA_TYPES = { float32: 0, float16: 1, uint8: 5 } as const;
export type DataType = (typeof DATA_TYPES)[keyof typeof DATA_TYPES];

/** lynMemcpyDir_t. */
export const MEMCPY = { clientToServer: 1, serverToClient: 2, serverToServer: 3 } as const;
export type MemcpyDirection = (typeof MEMCPY)[keyof typeof MEMCPY];

/** lynModelTensorAttr_t. Lengths cover one sample. */
export interface TensorAttr {
  readonly tensorName: string;
  readonly batchSize: number;
  /** Shape of one sample. */
  readonly dims: readonly number[];
  readonly dataNum: number;
  readonly dataLen: number;
  readonly dtype: DataType;
  /** Bytes from the start of a sample's input or output. */
  readonly offset: number;
}

/** lynModelDesc_t. Lengths cover one sample, all tensors; buffers hold a multiple. */
export interface ModelDesc {
  readonly inputDataLen: number;
  readonly outputDataLen: number;
  readonly inputTensorAttrArray: readonly TensorAttr[];
  readonly outputTensorAttrArray: readonly TensorAttr[];
  /** Steps that the model was compiled for. The SDK reads them from the artifact. */
  readonly timesteps: number;
  /** Where the state of a whole batch lies: `userload` of apu.json, moved to where the model was put. */
  readonly state: { readonly address: DevicePtr; readonly bytes: number };
}

export interface DeviceProperties {
  readonly name: string;
  /** DDR, in bytes. */
  readonly memoryTotal: number;
  readonly memoryUsed: number;
  /** On-chip memory for states, in bytes; LynSDK doesn't tell. */
  readonly glbTotal: number;
  readonly glbUsed: number;
}

/** lynErrorMsg_t: what a context's error handler gets. */
export interface ErrorMessage {
  readonly errCode: number;
  readonly errMsg: string;
  readonly errModule: string;
  /** The call whose command failed. */
  readonly errFunction: string;
  readonly errDeviceId: number;
}

/**
 * The LynSDK calls that running networks needs, typed; each says which one it is. A call that fails throws a
 * `DriverError` with that name and LynSDK's code.
 *
 * Calls with a stream only enqueue: commands run in the stream's order, later, and host memory must stay as it is until
 * then. An error of a command reaches the error handlers of its device's contexts, and rejects every `synchronize` until
 * the context is destroyed. The current context is where streams, events, buffers and models are made.
 */
export interface Driver {
  /** lynGetDeviceCount. */
  getDeviceCount(): number;
  /** lynGetDeviceProperties. */
  getDeviceProperties(device: number): DeviceProperties;

  /** lynCreateContext; the new one becomes current. */
  createContext(device: number): Context;
  /** lynDestroyContext; gives back whatever was still made in it. */
  destroyContext(context: Context): void;
  /** lynSetCurrentContext. */
  setCurrentContext(context: Context): void;
  /** lynGetCurrentContext. */
  getCurrentContext(): Context;
  /** lynRegisterErrorHandler: one for each context, the last wins. */
  registerErrorHandler(handler: (message: ErrorMessage) => void): void;

  /** lynCreateStream. */
  createStream(): Stream;
  /** lynDestroyStream: waits for the command that runs, drops the rest. */
  destroyStream(stream: Stream): void;
  /** lynSynchronizeStream: when everything enqueued so far has run. */
  synchronizeStream(stream: Stream): Promise<void>;
  /** lynStreamAddCallback: the stream waits until `callback` has returned. */
  streamAddCallback(stream: Stream, callback: () => void): void;
  /** lynStreamAddAsyncCallback: the stream does not wait. */
  streamAddAsyncCallback(stream: Stream, callback: () => void): void;

  /** lynCreateEvent. */
  createEvent(): DeviceEvent;
  /** lynDestroyEvent. */
  destroyEvent(event: DeviceEvent): void;
  /** lynRecordEvent. */
  recordEvent(stream: Stream, event: DeviceEvent): void;
  /** lynStreamWaitEvent: the stream stalls until the event is recorded, and takes that recording. Crosses devices. */
  streamWaitEvent(stream: Stream, event: DeviceEvent): void;
  /** lynSynchronizeEvent: when what was enqueued up to the last `recordEvent` has run. */
  synchronizeEvent(event: DeviceEvent): Promise<void>;
  /** lynEventElapsedTime in ms, of two events that were synchronized. */
  eventElapsedTime(start: DeviceEvent, end: DeviceEvent): number;

  /** lynMalloc. */
  malloc(bytes: number): DevicePtr;
  /** lynFree. */
  free(pointer: DevicePtr): void;
  /** lyn_addr_seek: `bytes` further on. */
  addrSeek(pointer: DevicePtr, bytes: number): DevicePtr;
  /** lynDevPtr2PhysAddr. */
  devPtr2PhysAddr(pointer: DevicePtr): number;
  /** lynMemcpy: at once, whatever streams are doing. */
  memcpy(dst: DevicePtr | HostMemory, src: DevicePtr | HostMemory, bytes: number, dir: MemcpyDirection): void;
  /** lynMemcpyAsync. */
  memcpyAsync(
    stream: Stream,
    dst: DevicePtr | HostMemory,
    src: DevicePtr | HostMemory,
    bytes: number,
    dir: MemcpyDirection,
  ): void;
  /** lynMemset. */
  memset(pointer: DevicePtr, value: number, bytes: number): void;
  /** lynMemsetAsync. */
  memsetAsync(stream: Stream, pointer: DevicePtr, value: number, bytes: number): void;
  /** lynMemcpyEx: by physical address, such as a model's state; the address comes first in both directions. */
  memcpyEx(address: number, host: HostMemory, bytes: number, dir: MemcpyDirection): void;
  /** lynMemcpyAsyncEx. */
  memcpyAsyncEx(stream: Stream, address: number, host: HostMemory, bytes: number, dir: MemcpyDirection): void;

  /** lynLoadModel: `path` is the artifact's `Net_0`, or the folder around it. */
  loadModel(path: string): Model;
  /** lynUnloadModel. */
  unloadModel(model: Model): void;
  /** lynModelGetDesc. */
  modelGetDesc(model: Model): ModelDesc;
  /** lynModelResetAsync: every state back to its initial value. */
  modelResetAsync(stream: Stream, model: Model): void;
  /** lynExecuteModelAsync: one time step. */
  executeModelAsync(stream: Stream, model: Model, input: DevicePtr, output: DevicePtr, batch: number): void;
  /** lynModelSendInputAsync. */
  modelSendInputAsync(stream: Stream, model: Model, input: DevicePtr, output: DevicePtr, batch: number): void;
  /** lynModelRecvOutputAsync: the stream waits for the output of one `modelSendInputAsync`, in their order. */
  modelRecvOutputAsync(stream: Stream, model: Model): void;
}

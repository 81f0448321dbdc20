/** LynSDK's error codes (100000 + module + n), as far as drivers here use them. */
export const LYN_ERRORS = {
  format: [100002, 'wrong format'],
  pointer: [100004, 'null or foreign pointer'],
  argument: [100005, 'invalid argument'],
  deviceMemory: [100008, 'out of device memory'],
  modelLoad: [104001, 'the model cannot be loaded'],
  modelStart: [104002, 'the model cannot be started'],
  receiveTimeout: [104004, 'no output received'],
  modelReset: [104005, 'the model cannot be reset'],
  modelUnload: [104006, 'the model cannot be unloaded'],
  fileMissing: [104011, 'the model file is missing'],
  fileContent: [104012, 'the model file has wrong content'],
  modelId: [104013, 'no such model'],
  batchInvalid: [104017, 'wrong batch size'],
  eventCreate: [106000, 'the event cannot be created'],
  eventInvalid: [106001, 'no such event'],
  stream: [107000, 'no such stream, or it is closed'],
  streamLimit: [107002, 'too many streams'],
  contextWrong: [108000, 'wrong context'],
  contextNone: [108003, 'no context has been created'],
  contextCreate: [108004, 'the context cannot be created'],
  dmaRead: [109002, 'reading device memory failed'],
  dmaWrite: [109003, 'writing device memory failed'],
  devicePointer: [109004, 'not an address of device memory'],
  outOfBounds: [109006, 'reaches beyond the end of its buffer'],
  bufferLimit: [109018, 'too many buffers'],
  deviceCount: [112000, 'devices cannot be counted'],
  deviceId: [112002, 'no device of this id'],
  deviceStatus: [112003, 'the device is not ready'],
} as const;

export type LynErrorName = keyof typeof LYN_ERRORS;

const MEANINGS = new Map<number, string>(Object.values(LYN_ERRORS).map(([code, says]) => [code, says]));

/** A driver call that failed: its name in LynSDK, and LynSDK's code. */
export class DriverError extends Error {
  override readonly name = 'DriverError';
  constructor(
    /** `lynMalloc`, `lynModelSendInputAsync`, ... */
    readonly call: string,
    readonly code: number,
    detail = '',
    options?: ErrorOptions,
  ) {
    const says = MEANINGS.get(code) ?? 'failed';
    super(`${call}: ${says} (${code})${detail === '' ? '' : `: ${detail}`}`, options);
  }
}

/** The error of a call by its meaning. */
export const driverError = (
  call: string,
  name: LynErrorName,
  detail?: string,
  options?: ErrorOptions,
): DriverError => new DriverError(call, LYN_ERRORS[name][0], detail, options);

/** Data that a model cannot take: another number of steps, another shape, another batch. */
export class InputError extends Error {
  override readonly name = 'InputError';
}

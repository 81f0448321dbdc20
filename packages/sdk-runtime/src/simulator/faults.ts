import { DriverError, LYN_ERRORS, type LynErrorName } from '../errors.js';

/** A fault to inject: the `nth` use of a call (from 1) fails. */
export interface Fault {
  /** LynSDK's name: `lynMalloc`. */
  readonly call: string;
  /** Default 1. */
  readonly nth?: number;
  /** LynSDK's code; by default one that the call is known for. */
  readonly code?: number;
  /** `call` (default): it throws and does nothing. `execution`: it enqueues, and the device fails when it gets there. */
  readonly when?: 'call' | 'execution';
}

const USUAL: Readonly<Record<string, LynErrorName>> = {
  lynGetDeviceCount: 'deviceCount',
  lynCreateContext: 'contextCreate',
  lynSetCurrentContext: 'contextWrong',
  lynCreateStream: 'streamLimit',
  lynCreateEvent: 'eventCreate',
  lynRecordEvent: 'eventInvalid',
  lynStreamWaitEvent: 'eventInvalid',
  lynMalloc: 'deviceMemory',
  lynFree: 'devicePointer',
  lynMemcpy: 'dmaRead',
  lynMemcpyAsync: 'dmaWrite',
  lynMemcpyEx: 'dmaRead',
  lynMemcpyAsyncEx: 'dmaRead',
  lynLoadModel: 'modelLoad',
  lynUnloadModel: 'modelUnload',
  lynModelGetDesc: 'modelId',
  lynModelResetAsync: 'modelReset',
  lynModelSendInputAsync: 'modelStart',
  lynModelRecvOutputAsync: 'receiveTimeout',
  lynExecuteModelAsync: 'modelStart',
};

const usualCode = (call: string): number => LYN_ERRORS[USUAL[call] ?? 'deviceStatus'][0];

/** Counts calls and says which are to fail. */
export class Faults {
  /** How often each call was made. */
  readonly counts = new Map<string, number>();

  constructor(private readonly faults: readonly Fault[]) {}

  /**
   * Notes a call.
   *
   * @returns the code with which its command is to fail on the device, 0 for none
   * @throws DriverError when the call itself is to fail
   */
  enter(call: string): number {
    const nth = (this.counts.get(call) ?? 0) + 1;
    this.counts.set(call, nth);
    const fault = this.faults.find((f) => f.call === call && (f.nth ?? 1) === nth);
    if (!fault) return 0;
    const code = fault.code ?? usualCode(call);
    if (fault.when === 'execution') return code;
    throw new DriverError(call, code, 'injected fault');
  }
}

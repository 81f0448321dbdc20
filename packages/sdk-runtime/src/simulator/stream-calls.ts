import type { Driver, Stream } from '../driver.js';
import { driverError } from '../errors.js';
import type { SimStream } from './holdings.js';
import type { Machine } from './machine.js';

export type StreamCalls = Pick<
  Driver,
  'createStream' | 'destroyStream' | 'synchronizeStream' | 'streamAddCallback' | 'streamAddAsyncCallback'
>;

/** Streams, and what waits for them. */
export function streamCalls(machine: Machine): StreamCalls {
  const { held, faults, library, size } = machine;
  const addCallback = (call: string, stream: Stream, callback: () => void, blocking: boolean): void => {
    const code = faults.enter(call);
    const target = held.streamOf(call, stream);
    if (machine.inject(target, call, code)) return;
    held.devices[target.device].waiting.callback(target.handle, call, callback, blocking);
  };
  return {
    createStream() {
      const call = 'lynCreateStream';
      faults.enter(call);
      const context = held.here(call);
      const { device } = context;
      if (held.streamsOf(device) >= size.maxStreams)
        throw driverError(call, 'streamLimit', `a device has ${size.maxStreams}`);
      const stream: SimStream = {
        kind: 'stream',
        device,
        handle: library.openStream(held.devices[device].handle),
        context,
        retained: new Map(),
        commands: 0,
      };
      context.owned.add(stream);
      return stream;
    },
    destroyStream(stream) {
      const call = 'lynDestroyStream';
      faults.enter(call);
      held.drop(held.streamOf(call, stream));
    },
    async synchronizeStream(stream) {
      const call = 'lynSynchronizeStream';
      const code = faults.enter(call);
      const target = held.streamOf(call, stream);
      machine.inject(target, call, code);
      const commands = ++target.commands;
      await held.devices[target.device].waiting.notified(target.handle, call);
      for (const [memory, last] of target.retained) if (last < commands) target.retained.delete(memory);
    },
    streamAddCallback: (stream, callback) => addCallback('lynStreamAddCallback', stream, callback, true),
    streamAddAsyncCallback: (stream, callback) =>
      addCallback('lynStreamAddAsyncCallback', stream, callback, false),
  };
}

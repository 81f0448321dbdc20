import type { DeviceEvent, Driver, Stream } from '../driver.js';
import { driverError } from '../errors.js';
import type { SimEvent } from './holdings.js';
import type { Machine } from './machine.js';
import { Waiting } from './waiting.js';

export type EventCalls = Pick<
  Driver,
  'createEvent' | 'destroyEvent' | 'recordEvent' | 'streamWaitEvent' | 'synchronizeEvent' | 'eventElapsedTime'
>;

/** Events: blocking semaphores that a recording opens for one wait. */
export function eventCalls(machine: Machine): EventCalls {
  const { held, faults, library } = machine;
  const enqueue = (call: string, stream: Stream, event: DeviceEvent, isRecord: boolean): void => {
    const code = faults.enter(call);
    const target = held.streamOf(call, stream);
    const known = held.eventOf(call, event);
    if (isRecord) known.stream = target;
    if (machine.inject(target, call, code)) return;
    target.commands++;
    const { handle } = held.devices[target.device];
    library.enqueueEvent(handle, target.handle, Waiting.idOf(call), isRecord, known.handle);
  };
  return {
    createEvent() {
      const call = 'lynCreateEvent';
      faults.enter(call);
      const context = held.here(call);
      const event: SimEvent = {
        kind: 'event',
        device: context.device,
        handle: library.openEvent(),
        context,
      };
      context.owned.add(event);
      return event;
    },
    destroyEvent(event) {
      const call = 'lynDestroyEvent';
      faults.enter(call);
      held.drop(held.eventOf(call, event));
    },
    recordEvent: (stream, event) => enqueue('lynRecordEvent', stream, event, true),
    streamWaitEvent: (stream, event) => enqueue('lynStreamWaitEvent', stream, event, false),
    async synchronizeEvent(event) {
      const call = 'lynSynchronizeEvent';
      const code = faults.enter(call);
      const { stream } = held.eventOf(call, event);
      if (!stream) throw driverError(call, 'eventInvalid', 'it has not been recorded anywhere');
      machine.inject(stream, call, code);
      await held.devices[stream.device].waiting.notified(stream.handle, call);
    },
    eventElapsedTime(start, end) {
      const call = 'lynEventElapsedTime';
      faults.enter(call);
      const [from, to] = [start, end].map((event) => library.eventTime(held.eventOf(call, event).handle));
      if (from === 0 || to === 0) throw driverError(call, 'eventInvalid', 'it has not been recorded');
      return to - from;
    },
  };
}

import {
  type DevicePtr,
  type Driver,
  type HostMemory,
  MEMCPY,
  type MemcpyDirection,
  type Stream,
} from '../driver.js';
import { copyEnds } from './copy-ends.js';
import type { Machine } from './machine.js';
import { Waiting } from './waiting.js';

export type MemoryCalls = Pick<
  Driver,
  | 'malloc'
  | 'free'
  | 'addrSeek'
  | 'devPtr2PhysAddr'
  | 'memcpy'
  | 'memcpyAsync'
  | 'memcpyEx'
  | 'memcpyAsyncEx'
  | 'memset'
  | 'memsetAsync'
>;

type End = DevicePtr | HostMemory;

/** `memcpyEx` names the device's address first, in both directions. */
const ends = (address: number, host: HostMemory, dir: MemcpyDirection): readonly [dst: End, src: End] => {
  const pointer = address as DevicePtr;
  return dir === MEMCPY.serverToClient ? [host, pointer] : [pointer, host];
};

/** Device memory: buffers, copies, fills. */
export function memoryCalls(machine: Machine): MemoryCalls {
  const { held, faults, library } = machine;

  const copyNow = (call: string, dst: End, src: End, bytes: number, dir: MemcpyDirection): void => {
    faults.enter(call);
    const { device, to, from } = copyEnds(held, call, dst, src, bytes, dir);
    library.copyNow(device.handle, to, from, bytes);
  };

  const copyLater = (
    call: string,
    stream: Stream,
    dst: End,
    src: End,
    bytes: number,
    dir: MemcpyDirection,
  ): void => {
    const code = faults.enter(call);
    const target = held.streamOf(call, stream);
    const { device, to, from, other } = copyEnds(held, call, dst, src, bytes, dir, target.device);
    if (machine.inject(target, call, code)) return;
    target.commands++;
    for (const end of [dst, src]) if (typeof end !== 'number') target.retained.set(end, target.commands);
    const id = Waiting.idOf(call);
    if (other) library.enqueueCopy(device.handle, target.handle, id, to, from, bytes, other.handle);
    else library.enqueueCopy(device.handle, target.handle, id, to, from, bytes);
  };

  return {
    malloc(bytes) {
      const call = 'lynMalloc';
      faults.enter(call);
      const context = held.here(call);
      const pointer = held.devices[context.device].memory.take(call, bytes);
      context.buffers.add(pointer);
      return pointer;
    },
    free(pointer) {
      const call = 'lynFree';
      faults.enter(call);
      held.ownerOf(call, pointer).memory.giveBack(call, pointer);
      for (const { buffers } of held.contexts) buffers.delete(pointer);
    },
    addrSeek: (pointer, bytes) => (pointer + bytes) as DevicePtr,
    devPtr2PhysAddr(pointer) {
      const call = 'lynDevPtr2PhysAddr';
      faults.enter(call);
      held.ownerOf(call, pointer).memory.offsetOf(call, pointer, 0);
      return pointer;
    },
    memcpy: (dst, src, bytes, dir) => copyNow('lynMemcpy', dst, src, bytes, dir),
    memcpyAsync: (stream, dst, src, bytes, dir) => copyLater('lynMemcpyAsync', stream, dst, src, bytes, dir),
    memcpyEx: (address, host, bytes, dir) => copyNow('lynMemcpyEx', ...ends(address, host, dir), bytes, dir),
    memcpyAsyncEx: (stream, address, host, bytes, dir) =>
      copyLater('lynMemcpyAsyncEx', stream, ...ends(address, host, dir), bytes, dir),
    memset(pointer, value, bytes) {
      const call = 'lynMemset';
      faults.enter(call);
      const { handle, memory } = held.ownerOf(call, pointer);
      library.fillNow(handle, memory.offsetOf(call, pointer, bytes), value, bytes);
    },
    memsetAsync(stream, pointer, value, bytes) {
      const call = 'lynMemsetAsync';
      const code = faults.enter(call);
      const target = held.streamOf(call, stream);
      const { handle, memory } = held.devices[target.device];
      const offset = memory.offsetOf(call, pointer, bytes);
      if (machine.inject(target, call, code)) return;
      target.commands++;
      library.enqueueFill(handle, target.handle, Waiting.idOf(call), offset, value, bytes);
    },
  };
}

import { type DevicePtr, type HostMemory, MEMCPY, type MemcpyDirection } from '../driver.js';
import { driverError } from '../errors.js';
import type { Holdings, SimDevice } from './holdings.js';

/** Both ends of a copy as the native library takes them; `other` is the device of `dst` where it differs. */
export function copyEnds(
  held: Holdings,
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
  const ofDst = typeof dst === 'number' ? held.ownerOf(call, dst) : undefined;
  const ofSrc = typeof src === 'number' ? held.ownerOf(call, src) : undefined;
  const device = streamDevice === undefined ? (ofSrc ?? ofDst) : held.devices[streamDevice];
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

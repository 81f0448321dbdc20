import type { DevicePtr } from '../driver.js';
import { driverError } from '../errors.js';

const ALIGNMENT = 256;
const MOST_BUFFERS = 65_536;
/** Addresses of device d start here: they tell devices apart, and zero is none of them. */
const base = (device: number): number => (device + 1) * 2 ** 40;

interface Block {
  readonly offset: number;
  readonly bytes: number;
}

/** What of a device's memory is in use. Only books: the memory itself is native. */
export class DeviceMemory {
  /** By offset. */
  private readonly blocks: Block[] = [];
  private inUse = 0;

  constructor(
    readonly device: number,
    readonly bytes: number,
  ) {}

  get used(): number {
    return this.inUse;
  }
  get buffers(): number {
    return this.blocks.length;
  }

  /** Takes the first gap that is large enough. @throws DriverError when there is none */
  take(call: string, bytes: number): DevicePtr {
    if (!Number.isSafeInteger(bytes) || bytes < 1) {
      throw driverError(call, 'argument', `${bytes} bytes cannot be had`);
    }
    if (this.blocks.length >= MOST_BUFFERS) throw driverError(call, 'bufferLimit');
    let offset = 0;
    let at = 0;
    for (; at < this.blocks.length; at++) {
      const block = this.blocks[at];
      if (block.offset - offset >= bytes) break;
      offset = Math.ceil((block.offset + block.bytes) / ALIGNMENT) * ALIGNMENT;
    }
    if (offset + bytes > this.bytes) {
      throw driverError(
        call,
        'deviceMemory',
        `device ${this.device} has ${this.bytes} bytes, ${this.used} are in use, ${bytes} were asked for`,
      );
    }
    this.blocks.splice(at, 0, { offset, bytes });
    this.inUse += bytes;
    return (base(this.device) + offset) as DevicePtr;
  }

  /** Gives back what `take` gave. @throws DriverError for any other address */
  giveBack(call: string, pointer: number): void {
    const at = this.indexOf(pointer - base(this.device));
    if (at < 0 || this.blocks[at].offset !== pointer - base(this.device)) {
      throw driverError(
        call,
        'devicePointer',
        `${pointer} does not start a buffer of device ${this.device}, or was freed before`,
      );
    }
    this.inUse -= this.blocks[at].bytes;
    this.blocks.splice(at, 1);
  }

  /** Whether an address belongs to this device. */
  owns(pointer: number): boolean {
    return pointer >= base(this.device) && pointer < base(this.device + 1);
  }

  /** Offset of `bytes` bytes at an address, all inside one buffer. @throws DriverError when they are not */
  offsetOf(call: string, pointer: number, bytes: number): number {
    const offset = pointer - base(this.device);
    const block = this.blocks[this.indexOf(offset)];
    if (!block) throw driverError(call, 'devicePointer', `${pointer} on device ${this.device}`);
    if (!(bytes >= 0) || offset + bytes > block.offset + block.bytes) {
      const left = block.offset + block.bytes - offset;
      throw driverError(call, 'outOfBounds', `${bytes} bytes where ${left} are left`);
    }
    return offset;
  }

  /** Index of the block that holds an offset, or -1. */
  private indexOf(offset: number): number {
    let low = 0;
    let high = this.blocks.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const block = this.blocks[middle];
      if (offset < block.offset) high = middle - 1;
      else if (offset >= block.offset + block.bytes) low = middle + 1;
      else return middle;
    }
    return -1;
  }
}

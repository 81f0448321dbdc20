import type { StatePlacement } from '@bidl/graph';
import type { DevicePtr } from '../driver.js';
import { driverError } from '../errors.js';
import { MemoryBook } from './memory-book.js';

/** Addresses of device d start here: they tell devices apart, and zero is none of them. */
const base = (device: number): number => (device + 1) * 2 ** 40;

/**
 * What of a device's memories is in use: DDR, and behind it the GLB on the chip, where nothing but states lies. Both are
 * one block of native memory.
 */
export class DeviceMemory {
  readonly ddr: MemoryBook;
  readonly glb: MemoryBook;

  constructor(
    readonly device: number,
    { ddr, glb }: { readonly ddr: number; readonly glb: number },
  ) {
    this.ddr = new MemoryBook(`device ${device}`, ddr);
    this.glb = new MemoryBook(`the GLB of device ${device}`, glb);
  }

  get bytes(): number {
    return this.ddr.bytes + this.glb.bytes;
  }
  get buffers(): number {
    return this.ddr.buffers + this.glb.buffers;
  }

  /** Takes a buffer. @throws DriverError when there is no room */
  take(call: string, bytes: number): DevicePtr {
    return this.address('ddr', this.ddr.take(call, bytes));
  }

  /**
   * Takes room for a model's states. Those whose address is fixed end where their memory ends.
   *
   * @throws DriverError when there is no room, or the fixed address is in use
   */
  takeStates(call: string, bytes: number, { memory, relocatable }: StatePlacement): DevicePtr {
    if (relocatable) return this.address(memory, this[memory].take(call, bytes));
    const offset = this[memory].takeEnd(call, bytes);
    if (offset !== undefined) return this.address(memory, offset);
    throw driverError(
      call,
      'modelLoad',
      "the model's states have a fixed address, which is in use; compile models that are resident together with --multinet 1",
    );
  }

  /** Gives back what was taken. @throws DriverError for any other address */
  giveBack(call: string, pointer: number): void {
    const [book, offset] = this.bookOf(pointer);
    if (book.giveBack(offset)) return;
    throw driverError(
      call,
      'devicePointer',
      `${pointer} does not start a buffer of device ${this.device}, or was freed before`,
    );
  }

  /** Whether an address belongs to this device. */
  owns(pointer: number): boolean {
    return pointer >= base(this.device) && pointer < base(this.device + 1);
  }

  /** Native offset of `bytes` bytes at an address, all inside one buffer. @throws DriverError when they are not */
  offsetOf(call: string, pointer: number, bytes: number): number {
    const [book, offset] = this.bookOf(pointer);
    const left = book.leftAt(offset);
    if (left === undefined) throw driverError(call, 'devicePointer', `${pointer} on device ${this.device}`);
    if (!(bytes >= 0) || bytes > left)
      throw driverError(call, 'outOfBounds', `${bytes} bytes where ${left} are left`);
    return pointer - base(this.device);
  }

  private address(memory: StatePlacement['memory'], offset: number): DevicePtr {
    return (base(this.device) + (memory === 'ddr' ? 0 : this.ddr.bytes) + offset) as DevicePtr;
  }

  private bookOf(pointer: number): readonly [MemoryBook, number] {
    const offset = pointer - base(this.device);
    return offset < this.ddr.bytes ? [this.ddr, offset] : [this.glb, offset - this.ddr.bytes];
  }
}

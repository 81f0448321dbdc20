import { driverError } from '../errors.js';

const ALIGNMENT = 256;
const MOST_BUFFERS = 65_536;

interface Block {
  readonly offset: number;
  readonly bytes: number;
}

/** What of one memory is in use: only books, the memory itself is native. Offsets count from the memory's start. */
export class MemoryBook {
  /** By offset. */
  private readonly blocks: Block[] = [];
  private inUse = 0;

  constructor(
    /** For messages: `device 0`. */
    private readonly name: string,
    readonly bytes: number,
  ) {}

  get used(): number {
    return this.inUse;
  }
  get buffers(): number {
    return this.blocks.length;
  }

  /** Takes the first gap that is large enough. @throws DriverError when there is none */
  take(call: string, bytes: number): number {
    this.check(call, bytes);
    let offset = 0;
    let at = 0;
    for (; at < this.blocks.length; at++) {
      const block = this.blocks[at];
      if (block.offset - offset >= bytes) break;
      offset = Math.ceil((block.offset + block.bytes) / ALIGNMENT) * ALIGNMENT;
    }
    if (offset + bytes > this.bytes) throw this.full(call, bytes);
    return this.add(at, offset, bytes);
  }

  /** Takes the last bytes of all. @returns undefined when one of them is in use */
  takeEnd(call: string, bytes: number): number | undefined {
    this.check(call, bytes);
    const offset = Math.floor((this.bytes - bytes) / ALIGNMENT) * ALIGNMENT;
    if (offset < 0) throw this.full(call, bytes);
    const last = this.blocks.at(-1);
    const isFree = last === undefined || last.offset + last.bytes <= offset;
    return isFree ? this.add(this.blocks.length, offset, bytes) : undefined;
  }

  /** Gives back what was taken. @returns whether a block starts there */
  giveBack(offset: number): boolean {
    const at = this.indexOf(offset);
    if (at < 0 || this.blocks[at].offset !== offset) return false;
    this.inUse -= this.blocks[at].bytes;
    this.blocks.splice(at, 1);
    return true;
  }

  /** Bytes from an offset to the end of the block that holds it; undefined where none does. */
  leftAt(offset: number): number | undefined {
    const block = this.blocks[this.indexOf(offset)];
    return block && block.offset + block.bytes - offset;
  }

  private add(at: number, offset: number, bytes: number): number {
    this.blocks.splice(at, 0, { offset, bytes });
    this.inUse += bytes;
    return offset;
  }

  private check(call: string, bytes: number): void {
    if (!Number.isSafeInteger(bytes) || bytes < 1)
      throw driverError(call, 'argument', `${bytes} bytes cannot be had`);
    if (this.blocks.length >= MOST_BUFFERS) throw driverError(call, 'bufferLimit');
  }

  private full(call: string, bytes: number) {
    return driverError(
      call,
      'deviceMemory',
      `${this.name} has ${this.bytes} bytes, ${this.used} are in use, ${bytes} were asked for`,
    );
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

import { FormatError } from '../errors.js';

/** V8's limit for strings. */
const MAX_TEXT = 2 ** 29 - 24;

/** Walks through bytes; every length is compared with what is left before anything is made from it. */
export class Cursor {
  at: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
  }

  get left(): number {
    return this.#bytes.length - this.at;
  }

  fail(what: string): never {
    throw new FormatError(`pickle: ${what}`, { byte: this.at });
  }

  /** Moves on by `n` bytes and returns where they began. */
  #skip(n: number): number {
    if (n > this.left) this.fail(`truncated: ${n} bytes are promised, ${this.left} are left`);
    const start = this.at;
    this.at += n;
    return start;
  }

  u8(): number {
    return this.#view.getUint8(this.#skip(1));
  }
  u16(): number {
    return this.#view.getUint16(this.#skip(2), true);
  }
  u32(): number {
    return this.#view.getUint32(this.#skip(4), true);
  }
  i32(): number {
    return this.#view.getInt32(this.#skip(4), true);
  }
  f64(): number {
    return this.#view.getFloat64(this.#skip(8), false);
  }
  /** A 64-bit length; one that no file can have is truncation too. */
  u64(): number {
    const value = this.#view.getBigUint64(this.#skip(8), true);
    return Number(value);
  }
  /** Bytes in the file's own memory. */
  view(n: number): Uint8Array {
    const start = this.#skip(n);
    return this.#bytes.subarray(start, start + n);
  }
  /** Bytes of their own. */
  bytes(n: number): Uint8Array {
    const view = this.view(n);
    const own = new Uint8Array(n);
    own.set(view);
    return own;
  }
  text(n: number): string {
    if (n > MAX_TEXT) this.fail(`a string of ${n} bytes is too long`);
    const start = this.#skip(n);
    try {
      return this.#utf8.decode(this.#bytes.subarray(start, start + n));
    } catch {
      this.at = start;
      return this.fail('a string is no valid UTF-8');
    }
  }
  /** The rest of the line, one character a byte. */
  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.at);
    if (end < 0) this.fail('truncated: a line does not end');
    if (end - this.at > MAX_TEXT) this.fail('a line is too long');
    const start = this.#skip(end - this.at + 1);
    return latin1(this.#bytes.subarray(start, end));
  }
}

/** One character a byte. */
function latin1(bytes: Uint8Array): string {
  // TextDecoder('latin1') is windows-1252 in fact, which moves the characters 0x80-0x9f.
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

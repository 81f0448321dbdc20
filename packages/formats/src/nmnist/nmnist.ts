import { FormatError } from '../errors.js';

/** Events of a sensor, in the file's order: event `i` happened at `(x[i], y[i])`, `t[i]` microseconds, polarity `p[i]`. */
export interface EventStream {
  readonly x: Uint16Array;
  readonly y: Uint16Array;
  /** Microseconds. */
  readonly t: Uint32Array;
  /** 0 darker ("off"), 1 brighter ("on"). */
  readonly p: Uint8Array;
}

/** What to expect of an N-MNIST file. */
export interface NmnistOptions {
  /** Pixels per row, default 34. */
  readonly width?: number;
  /** Rows, default 34. */
  readonly height?: number;
  /** Larger files are refused before they are read; default 16 MiB (published files have about 20 KiB). */
  readonly maxBytes?: number;
}

const EVENT = 5;
/** Rows that no sensor has: such an event says that the recorder's clock ran over. */
const OVERFLOW_Y = 240;
/** What each clock overflow adds to all later times, microseconds. */
const OVERFLOW_STEP = 2 ** 13;
const MAX_T = 2 ** 23 - 1;

/** Default of {@link NmnistOptions.maxBytes}. */
export const NMNIST_MAX_BYTES = 16 * 2 ** 20;

/**
 * Reads a file of the published N-MNIST data set: events of 40 bits, namely x (8), y (8), polarity (1) and time in
 * microseconds (23, big-endian). Events at y = 240 are no events: they add 2^13 us to the time of all that follow.
 *
 * @throws FormatError for a truncated or oversized file, a pixel outside the sensor, a time beyond 2^32 us
 * @see https://www.garrickorchard.com/datasets/n-mnist
 */
export function readNmnist(bytes: Uint8Array, options: NmnistOptions = {}): EventStream {
  const { width = 34, height = 34, maxBytes = NMNIST_MAX_BYTES } = options;
  if (bytes.length > maxBytes) {
    throw new FormatError(`N-MNIST file oversized: ${bytes.length} bytes, the limit is ${maxBytes}`, {
      byte: maxBytes,
    });
  }
  const rest = bytes.length % EVENT;
  if (rest !== 0) {
    throw new FormatError(`N-MNIST file truncated: its last event has ${rest} of ${EVENT} bytes`, {
      byte: bytes.length - rest,
    });
  }
  const count = bytes.length / EVENT;
  const { x, y, t, p } = columns(count);
  const marks = height <= OVERFLOW_Y;
  let n = 0;
  let later = 0;
  let late = false;
  // Every index below is inside: `?? 0` would cost a third of the time.
  for (let at = 0; at < bytes.length; at += EVENT) {
    const column = bytes[at] as number;
    const row = bytes[at + 1] as number;
    if (row >= height || column >= width) {
      if (row !== OVERFLOW_Y || !marks) throw outside(column, row, width, height, at);
      later += OVERFLOW_STEP;
      late = later + MAX_T > 0xffffffff;
      continue;
    }
    const high = bytes[at + 2] as number;
    const time =
      later + (((high & 0x7f) << 16) | ((bytes[at + 3] as number) << 8) | (bytes[at + 4] as number));
    if (late && time > 0xffffffff) {
      throw new FormatError(`N-MNIST event has a time of ${time} us, beyond 2^32`, { byte: at });
    }
    x[n] = column;
    y[n] = row;
    t[n] = time;
    p[n] = high >> 7;
    n++;
  }
  if (n === count) return { x, y, t, p };
  return { x: x.slice(0, n), y: y.slice(0, n), t: t.slice(0, n), p: p.slice(0, n) };
}

/** Room for the columns of so many events, in one piece of memory: four pieces take longer to get than to fill. */
function columns(count: number): EventStream {
  const memory = new ArrayBuffer(9 * count);
  return {
    t: new Uint32Array(memory, 0, count),
    x: new Uint16Array(memory, 4 * count, count),
    y: new Uint16Array(memory, 6 * count, count),
    p: new Uint8Array(memory, 8 * count, count),
  };
}

function outside(column: number, row: number, width: number, height: number, at: number): FormatError {
  const axis = column >= width ? `x is ${column}` : `y is ${row}`;
  return new FormatError(`N-MNIST event ${at / EVENT} lies outside the ${width}x${height} sensor: ${axis}`, {
    byte: at,
  });
}

/**
 * Writes events in the published N-MNIST layout.
 *
 * @throws RangeError for columns with different lengths, pixels beyond 8 bits, row 240 (the overflow mark), a polarity
 * other than 0 or 1, or a time beyond 2^23 us (8.39 s): nothing is cut off silently
 */
export function writeNmnist(events: EventStream): Uint8Array {
  const { x, y, t, p } = events;
  if (y.length !== x.length || t.length !== x.length || p.length !== x.length) {
    throw new RangeError(`events have ${x.length} x, ${y.length} y, ${t.length} t and ${p.length} p`);
  }
  const out = new Uint8Array(x.length * EVENT);
  for (let i = 0, at = 0; i < x.length; i++, at += EVENT) {
    const column = x[i] ?? 0;
    const row = y[i] ?? 0;
    const time = t[i] ?? 0;
    const polarity = p[i] ?? 0;
    if (column > 255 || row > 255 || row === OVERFLOW_Y || time > MAX_T || polarity > 1) {
      throw new RangeError(
        `event ${i} (x ${column}, y ${row}, t ${time} us, p ${polarity}) does not fit: ` +
          `x and y are 0-255 without row ${OVERFLOW_Y}, t is 0-${MAX_T}, p is 0 or 1`,
      );
    }
    out[at] = column;
    out[at + 1] = row;
    out[at + 2] = (polarity << 7) | (time >> 16);
    out[at + 3] = (time >> 8) & 0xff;
    out[at + 4] = time & 0xff;
  }
  return out;
}

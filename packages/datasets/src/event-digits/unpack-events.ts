import { type EventStream } from '@bidl/formats';

import { type PackedEvents } from './sensor.js';

/** Sorts packed events by time (then pixel, then polarity) and spreads them out. */
export function unpackEvents(packed: PackedEvents, width: number, height: number): EventStream {
  const sorted = Float64Array.from(packed).sort();
  const count = sorted.length;
  const x = new Uint16Array(count);
  const y = new Uint16Array(count);
  const t = new Uint32Array(count);
  const p = new Uint8Array(count);
  const size = width * height;
  for (let i = 0; i < count; i++) {
    const value = sorted[i] ?? 0;
    const half = Math.floor(value / 2);
    const time = Math.floor(half / size);
    const pixel = half - time * size;
    const row = Math.floor(pixel / width);
    p[i] = value - 2 * half;
    t[i] = time;
    y[i] = row;
    x[i] = pixel - row * width;
  }
  return { x, y, t, p };
}

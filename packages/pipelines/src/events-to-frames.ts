import { type EventStream, type NdArray, ndarray } from '@bidl/formats';

import { PipelineError } from './errors.js';

/** Frames hold the same number of events each, or cover the same time each. */
export type SplitBy = 'number' | 'time';

export interface FrameOptions {
  /** Number of frames. */
  readonly T: number;
  readonly splitBy: SplitBy;
  readonly height: number;
  readonly width: number;
}

/**
 * Counts events per frame, pixel and polarity.
 *
 * Split by number: frame i takes the events [i*d, (i+1)*d) with d = floor(N / T), the last one also the rest
 * (as upstream does). Split by time: the span from the first to the last event is cut into T equal windows.
 * Either way every event is counted exactly once; a count stays at 255 instead of wrapping round.
 *
 * @returns uint8 [T, height, width, 2]; channel 0 counts the events with p == 0, channel 1 the others
 * @throws PipelineError for an event outside of the frame
 */
export function eventsToFrames(events: EventStream, options: FrameOptions): NdArray<Uint8Array> {
  const { T, splitBy, height, width } = options;
  const { x, y, p } = events;
  const counts = new Uint8Array(T * height * width * 2);
  const number = x.length;
  const frameSize = height * width * 2;
  const frameOf = splitBy === 'number' ? undefined : framesByTime(events.t, T);
  const perFrame = Math.floor(number / T);
  const lastFrame = (T - 1) * frameSize;
  // Where the current frame begins in `counts`, and the event that begins the next one.
  let frame = 0;
  let next = perFrame;
  // Every index below is inside: `?? 0` would double the time.
  for (let i = 0; i < number; i++) {
    const column = x[i] as number;
    const row = y[i] as number;
    if (column >= width || row >= height) throw outside(i, column, row, height, width);
    if (frameOf) frame = (frameOf[i] as number) * frameSize;
    else {
      while (i >= next && frame < lastFrame) {
        frame += frameSize;
        next += perFrame;
      }
    }
    const channel = ((p[i] as number) + 255) >> 8; // 0 for 0, else 1: no branch that guesses wrong half of the time
    const cell = frame + 2 * (row * width + column) + channel;
    const count = counts[cell] as number;
    if (count < 255) counts[cell] = count + 1;
  }
  return ndarray(counts, [T, height, width, 2], 'uint8') as NdArray<Uint8Array>;
}

function outside(event: number, x: number, y: number, height: number, width: number): PipelineError {
  return new PipelineError(
    `event ${event} at x ${x}, y ${y} is outside of a frame of ${height}x${width}: set height and width of EventsToFrames to the sensor's`,
  );
}

/** First and one-past-last event of each frame when events are split by number. */
export function splitByNumber(events: number, T: number): { left: number[]; right: number[] } {
  const perFrame = Math.floor(events / T);
  const left = Array.from({ length: T }, (_, i) => i * perFrame);
  return { left, right: left.map((start, i) => (i === T - 1 ? events : start + perFrame)) };
}

/** The frame of each event when time is cut into equal windows; stamps may be in any order. */
function framesByTime(t: Uint32Array, T: number): Uint32Array {
  let first = Infinity;
  let last = -Infinity;
  for (const stamp of t) {
    if (stamp < first) first = stamp;
    if (stamp > last) last = stamp;
  }
  const span = last - first + 1;
  return Uint32Array.from(t, (stamp) => Math.floor(((stamp - first) * T) / span));
}

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
  const frameOf = splitBy === 'number' ? undefined : framesByTime(events.t, T);
  const perFrame = Math.floor(x.length / T);
  let frame = 0;
  let frameEnd = T === 1 ? x.length : perFrame;
  for (let i = 0; i < x.length; i++) {
    const column = x[i] ?? 0;
    const row = y[i] ?? 0;
    if (column >= width || row >= height) {
      throw new PipelineError(
        `event ${i} at x ${column}, y ${row} is outside of a frame of ${height}x${width}: set height and width of EventsToFrames to the sensor's`,
      );
    }
    if (frameOf) frame = frameOf[i] ?? 0;
    else {
      while (i >= frameEnd && frame < T - 1) {
        frame++;
        frameEnd = frame === T - 1 ? x.length : frameEnd + perFrame;
      }
    }
    const cell = ((frame * height + row) * width + column) * 2 + (p[i] === 0 ? 0 : 1);
    const count = counts[cell] ?? 0;
    if (count < 255) counts[cell] = count + 1;
  }
  return ndarray(counts, [T, height, width, 2], 'uint8') as NdArray<Uint8Array>;
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

import { type NdArray, ndarray } from '@bidl/formats';

import { cells, emptyLike } from './dtype.js';
import { PipelineError } from './errors.js';

/** `n` (n x n), `[height, width]`, or `[s, -1]`: the shorter side becomes s, the other keeps the ratio. */
export type ResizeTarget = number | readonly [number, number];

/** Height and width that a frame of `height` x `width` gets. */
export function resizedShape(target: ResizeTarget, height: number, width: number): [number, number] {
  if (typeof target === 'number') return [target, target];
  const [first, second] = target;
  if (second !== -1) return [first, second];
  return height <= width
    ? [first, Math.max(1, Math.floor((first * width) / height))]
    : [Math.max(1, Math.floor((first * height) / width)), first];
}

/**
 * Bilinear resize of every frame of a clip [T, H, W, C] as cv2.resize (INTER_LINEAR) computes it: pixel centres
 * at half integers, edges repeated. uint8 clips use cv2's 11-bit fixed-point weights, so counts come out as
 * upstream's do (not as rounded float arithmetic).
 */
export function resizeClip(clip: NdArray, [toHeight, toWidth]: readonly [number, number]): NdArray {
  const [frames = 0, height = 0, width = 0, channels = 0] = clip.shape;
  if (height === toHeight && width === toWidth) return clip;
  if (clip.dtype !== 'uint8' && clip.dtype !== 'float32' && clip.dtype !== 'float64') {
    throw new PipelineError(
      `only uint8, float32 and float64 clips can be resized, not ${clip.dtype}: convert it with ToTensorType first`,
    );
  }
  const bytes = clip.dtype === 'uint8';
  const ys = taps(height, toHeight, bytes);
  const xs = taps(width, toWidth, bytes);
  const rowLength = toWidth * channels;
  const data = emptyLike(clip.data, frames * toHeight * rowLength);
  const source = cells(clip.data);
  const target = cells(data);
  const upper = bytes ? new Int32Array(rowLength) : emptyLike(clip.data, rowLength);
  const lower = bytes ? new Int32Array(rowLength) : emptyLike(clip.data, rowLength);
  const round = clip.dtype === 'float32' ? Math.fround : (value: number): number => value;

  const stretch = (row: number, into: Cells): void => {
    for (let x = 0, to = 0; x < toWidth; x++) {
      const a = row + (xs.low[x] ?? 0) * channels;
      const b = row + (xs.high[x] ?? 0) * channels;
      const wa = xs.weightLow[x] ?? 0;
      const wb = xs.weightHigh[x] ?? 0;
      for (let c = 0; c < channels; c++) {
        into[to++] = round((source[a + c] ?? 0) * wa) + round((source[b + c] ?? 0) * wb);
      }
    }
  };
  for (let t = 0, to = 0; t < frames; t++) {
    for (let y = 0; y < toHeight; y++) {
      stretch((t * height + (ys.low[y] ?? 0)) * width * channels, cells(upper as typeof clip.data));
      stretch((t * height + (ys.high[y] ?? 0)) * width * channels, cells(lower as typeof clip.data));
      const wa = ys.weightLow[y] ?? 0;
      const wb = ys.weightHigh[y] ?? 0;
      const top = cells(upper as typeof clip.data);
      const bottom = cells(lower as typeof clip.data);
      for (let i = 0; i < rowLength; i++) {
        const a = top[i] ?? 0;
        const b = bottom[i] ?? 0;
        target[to++] = bytes
          ? (((wa * (a >> 4)) >> 16) + ((wb * (b >> 4)) >> 16) + 2) >> 2
          : round(a * wa) + round(b * wb);
      }
    }
  }
  return ndarray(data, [frames, toHeight, toWidth, channels], clip.dtype);
}

type Cells = ReturnType<typeof cells>;

interface Taps {
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly weightLow: Float64Array;
  readonly weightHigh: Float64Array;
}

/** For each target position its two source positions and their weights (11-bit integers for bytes). */
function taps(from: number, to: number, bytes: boolean): Taps {
  const low = new Int32Array(to);
  const high = new Int32Array(to);
  const weightLow = new Float64Array(to);
  const weightHigh = new Float64Array(to);
  const scale = from / to;
  for (let i = 0; i < to; i++) {
    const centre = Math.fround((i + 0.5) * scale - 0.5);
    let at = Math.floor(centre);
    let fraction = Math.fround(centre - at);
    if (at < 0) {
      at = 0;
      fraction = 0;
    }
    if (at >= from - 1) {
      at = from - 1;
      fraction = 0;
    }
    low[i] = at;
    high[i] = Math.min(at + 1, from - 1);
    weightLow[i] = bytes ? roundHalfEven((1 - fraction) * 2048) : Math.fround(1 - fraction);
    weightHigh[i] = bytes ? roundHalfEven(fraction * 2048) : fraction;
  }
  return { low, high, weightLow, weightHigh };
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

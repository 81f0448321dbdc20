import { type NdArray, ndarray } from '@bidl/formats';

import { cellOf, cells, emptyLike } from './dtype.js';
import { PipelineError } from './errors.js';

/** What stands outside of the clip: one value, its edge, or the clip mirrored (without / with its edge). */
export type PaddingMode = 'constant' | 'edge' | 'reflect' | 'symmetric';

/** Width of the padding on each side, in pixels. */
export interface Padding {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

/** A window in the padded clip; its corner is counted from the corner of the padding. */
export interface CropWindow {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
  readonly padding?: Padding;
  readonly mode?: PaddingMode;
  /** Value of 'constant' padding. */
  readonly value?: number;
}

export const NO_PADDING: Padding = { top: 0, bottom: 0, left: 0, right: 0 };

/**
 * Cuts one window out of every frame of a clip: [T, H, W, C] -> [T, height, width, C]. The padding is never
 * built: pixels outside are looked up where the mode says.
 *
 * @throws PipelineError when the window leaves the padded clip, or the mode can't pad that far
 */
export function cropClip(clip: NdArray, window: CropWindow): NdArray {
  const [frames = 0, height = 0, width = 0, channels = 0] = clip.shape;
  const { top, left, padding = NO_PADDING, mode = 'constant', value = 0 } = window;
  if (
    top < 0 ||
    left < 0 ||
    top + window.height > height + padding.top + padding.bottom ||
    left + window.width > width + padding.left + padding.right
  ) {
    throw new PipelineError(
      `a crop of ${window.height}x${window.width} at (${top}, ${left}) leaves the clip of ${height}x${width}` +
        ` padded by [${padding.left}, ${padding.top}, ${padding.right}, ${padding.bottom}]`,
    );
  }
  const rows = lookUp(window.height, top - padding.top, height, mode);
  const columns = lookUp(window.width, left - padding.left, width, mode);
  // Columns inside of the clip are one contiguous run of every row; only the rest is looked up singly.
  const start = Math.min(window.width, Math.max(0, padding.left - left));
  const inside = Math.max(0, Math.min(window.width, padding.left + width - left) - start);

  const data = emptyLike(clip.data, frames * window.height * window.width * channels);
  const source = cells(clip.data);
  const target = cells(data);
  const fill = mode === 'constant' ? cellOf(value, clip, 'pad_val') : 0;
  const rowLength = window.width * channels;

  for (let t = 0, to = 0; t < frames; t++) {
    for (let y = 0; y < window.height; y++, to += rowLength) {
      const row = rows[y] ?? -1;
      if (row < 0) {
        if (value !== 0) for (let i = 0; i < rowLength; i++) target[to + i] = fill;
        continue;
      }
      const base = (t * height + row) * width * channels;
      let from = base + (columns[start] ?? 0) * channels;
      for (let i = to + start * channels, end = i + inside * channels; i < end; i++)
        target[i] = source[from++] ?? 0;
      if (inside === window.width || (mode === 'constant' && value === 0)) continue;
      for (let x = 0; x < window.width; x++) {
        if (x === start) x += inside;
        if (x >= window.width) break;
        const column = columns[x] ?? -1;
        for (let c = 0; c < channels; c++) {
          target[to + x * channels + c] = column < 0 ? fill : (source[base + column * channels + c] ?? 0);
        }
      }
    }
  }
  return ndarray(data, [frames, window.height, window.width, channels], clip.dtype);
}

/** For each position of the window its index in the clip, -1 where the constant stands. */
function lookUp(count: number, first: number, size: number, mode: PaddingMode): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => {
    const at = first + i;
    if (at >= 0 && at < size) return at;
    if (mode === 'constant') return -1;
    if (mode === 'edge') return at < 0 ? 0 : size - 1;
    const mirrored =
      mode === 'reflect' ? (at < 0 ? -at : 2 * (size - 1) - at) : at < 0 ? -1 - at : 2 * size - 1 - at;
    if (mirrored < 0 || mirrored >= size) {
      throw new PipelineError(
        `padding_mode "${mode}" can't pad ${size} pixels by as much: use "edge" or "constant"`,
      );
    }
    return mirrored;
  });
}

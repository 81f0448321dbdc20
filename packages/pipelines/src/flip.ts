import { type NdArray, ndarray } from '@bidl/formats';

import { cells, emptyLike } from './dtype.js';

/** Which way a clip is mirrored: left-right (along W) or upside down (along H). */
export type FlipDirection = 'horizontal' | 'vertical';

/** Mirrors every frame of a clip [T, H, W, C]. */
export function flipClip(clip: NdArray, direction: FlipDirection): NdArray {
  const [frames = 0, height = 0, width = 0, channels = 0] = clip.shape;
  const data = emptyLike(clip.data, clip.data.length);
  const source = cells(clip.data);
  const target = cells(data);
  const across = direction === 'horizontal';
  for (let t = 0, to = 0; t < frames; t++) {
    for (let y = 0; y < height; y++) {
      const row = (t * height + (across ? y : height - 1 - y)) * width;
      for (let x = 0; x < width; x++) {
        let from = (row + (across ? width - 1 - x : x)) * channels;
        for (let c = 0; c < channels; c++) target[to++] = source[from++] ?? 0;
      }
    }
  }
  return ndarray(data, clip.shape, clip.dtype);
}

import { type NdArray, transpose } from '@bidl/formats';

/** [T, C, H, W] -> [T, H, W, C], a new array of the same type. */
export function turnChannelsLast(clip: NdArray): NdArray {
  return transpose(clip, [0, 2, 3, 1]);
}

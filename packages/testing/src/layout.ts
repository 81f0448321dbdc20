import { type NdArray, transpose } from '@bidl/formats';

/** PyTorch's `[..., C, H, W]` to ours, `[..., H, W, C]`, whatever stands before (batch, time). */
export function channelsLast(array: NdArray): NdArray {
  const n = array.shape.length;
  return transpose(array, [...axes(n - 3), n - 2, n - 1, n - 3]);
}

/** Ours, `[..., H, W, C]`, to PyTorch's `[..., C, H, W]`. */
export function channelsFirst(array: NdArray): NdArray {
  const n = array.shape.length;
  return transpose(array, [...axes(n - 3), n - 1, n - 3, n - 2]);
}

/** Convolution weights `[out, in, H, W]` to `[H, W, in, out]`. */
export const oihwToHwio = (array: NdArray): NdArray => transpose(array, [2, 3, 1, 0]);

/** Linear weights `[out, in]` to `[in, out]`. */
export const oiToIo = (array: NdArray): NdArray => transpose(array, [1, 0]);

function axes(count: number): number[] {
  if (count < 0) throw new RangeError('images have at least three axes: channels, height, width');
  return Array.from({ length: count }, (_, i) => i);
}

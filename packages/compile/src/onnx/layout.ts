import { ndarray, transpose, type NdArray } from '@bidl/formats';

/** A per-sample shape in ONNX's order: images `[H, W, C]` as `[C, H, W]`, everything else as it is. */
export function onnxShape(shape: readonly number[]): number[] {
  const [h, w, c] = shape;
  return shape.length === 3 ? [c, h, w] : [...shape];
}

/** Numbers of an image `[H, W, C]` as `[C, H, W]`; everything else as it is. */
export function channelsFirst(array: NdArray<Float32Array>): NdArray<Float32Array> {
  return array.shape.length === 3 ? turned(array, [2, 0, 1]) : array;
}

/** A kernel `[H, W, in, out]` as `[out, in, H, W]`. */
export const oihw = (kernel: NdArray<Float32Array>): NdArray<Float32Array> => turned(kernel, [3, 2, 0, 1]);

/** Rows of a dense kernel, ordered for an image `[H, W, C]`, in the order of `[C, H, W]`. */
export function rowsChannelsFirst(
  kernel: NdArray<Float32Array>,
  image: readonly number[],
): NdArray<Float32Array> {
  const [, units = 1] = kernel.shape;
  const rows = turned(ndarray(kernel.data, [...image, units]), [2, 0, 1, 3]);
  return ndarray(rows.data, kernel.shape);
}

const turned = (array: NdArray<Float32Array>, axes: number[]): NdArray<Float32Array> =>
  transpose(array, axes) as NdArray<Float32Array>;

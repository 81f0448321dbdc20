import * as tf from '@tensorflow/tfjs';

interface Attributes {
  readonly filterSize: number | [number, number];
  readonly strides: number | [number, number];
  readonly pad: Parameters<typeof tf.backend_util.computePool2DInfo>[4];
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/**
 * Mends a backend's gradient of average pooling at padded borders: the mean divides by the number of real values in a
 * window, tfjs's wasm gradient by the window's full size. The output's gradient is scaled by the ratio of the two.
 */
export function correctAvgPoolGrad(kernel: tf.KernelFunc): tf.KernelFunc {
  return (args) => {
    const { dy, input } = args.inputs as unknown as Record<'dy' | 'input', tf.Tensor4D>;
    const { filterSize, strides, pad, dimRoundingMode } = args.attrs as unknown as Attributes;
    const info = tf.backend_util.computePool2DInfo(input.shape, filterSize, strides, 1, pad, dimRoundingMode);
    const rows = shares(
      info.inHeight,
      info.outHeight,
      info.strideHeight,
      info.filterHeight,
      info.padInfo.top,
    );
    const columns = shares(
      info.inWidth,
      info.outWidth,
      info.strideWidth,
      info.filterWidth,
      info.padInfo.left,
    );
    if ([...rows, ...columns].every((share) => share === 1)) return kernel(args);
    const scaled = tf.tidy(() =>
      tf.div(tf.div(dy, tf.tensor(rows, [rows.length, 1, 1])), tf.tensor(columns, [columns.length, 1])),
    );
    const result = kernel({ ...args, inputs: { dy: scaled, input } });
    scaled.dispose();
    return result;
  };
}

/** For every window along one axis, the share of it that lies on real values. */
function shares(size: number, out: number, stride: number, filter: number, before: number): number[] {
  return Array.from({ length: out }, (_, index) => {
    const begin = index * stride - before;
    return (Math.min(begin + filter, size) - Math.max(begin, 0)) / filter;
  });
}

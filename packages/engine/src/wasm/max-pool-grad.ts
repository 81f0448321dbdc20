import * as tf from '@tensorflow/tfjs';

interface Attributes {
  readonly filterSize: number | [number, number];
  readonly strides: number | [number, number];
  readonly pad: Parameters<typeof tf.backend_util.computePool2DInfo>[4];
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/**
 * Gradient of max pooling, from wasm ops. tfjs's own wasm kernel gives windows without a positive value no gradient at all,
 * which is wrong everywhere below zero and for windows in which no neuron fired. As on the other backends, the first of
 * several equal maxima gets the gradient.
 *
 * Inputs dy, output `[B, H', W', C]` and input `[B, H, W, C]`; result as input.
 */
export const maxPoolGrad: tf.KernelFunc = ({ inputs, attrs }) => {
  const { dy, input, output } = inputs as unknown as Record<'dy' | 'input' | 'output', tf.Tensor4D>;
  const { filterSize, strides, pad, dimRoundingMode } = attrs as unknown as Attributes;
  const info = tf.backend_util.computePool2DInfo(input.shape, filterSize, strides, 1, pad, dimRoundingMode);
  const { top, left } = info.padInfo;
  const [batch, height, width, channels] = input.shape;
  const rows = axis(height, info.outHeight, info.strideHeight, info.filterHeight, top);
  const columns = axis(width, info.outWidth, info.strideWidth, info.filterWidth, left);
  return tf.tidy(() => {
    const lowest = tf.pad(input, [[0, 0], rows.pad, columns.pad, [0, 0]], -Infinity);
    let open = tf.onesLike(output); // 1 while nobody in the window has been found to be its maximum
    let sum: tf.Tensor = tf.zeros([batch, rows.length, columns.length, channels]);
    for (let i = 0; i < info.filterHeight; i++) {
      for (let j = 0; j < info.filterWidth; j++) {
        const end = [batch, rows.end(i), columns.end(j), channels];
        const seen = tf.stridedSlice(lowest, [0, i, j, 0], end, [1, info.strideHeight, info.strideWidth, 1]);
        const isFirstMaximum: tf.Tensor = tf.mul(tf.cast(tf.equal(seen, output), 'float32'), open);
        open = tf.sub(open, isFirstMaximum);
        sum = tf.add(
          sum,
          spread(tf.mul(dy, isFirstMaximum) as tf.Tensor4D, i, j, info, rows.length, columns.length),
        );
      }
    }
    return tf.slice(sum, [0, top, left, 0], [batch, height, width, channels]);
  });
};

/** One axis of the padded frame in which windows are found: long enough for every window and the whole input. */
function axis(size: number, out: number, stride: number, filter: number, before: number) {
  const length = Math.max(before + size, (out + Math.ceil(filter / stride)) * stride);
  return {
    length,
    pad: [before, length - before - size] as [number, number],
    end: (tap: number) => tap + (out - 1) * stride + 1,
  };
}

/** Puts one value per window `[B, H', W', C]` where tap (i, j) of each window lies in the frame; zero elsewhere. */
function spread(
  values: tf.Tensor4D,
  i: number,
  j: number,
  { strideHeight, strideWidth }: { strideHeight: number; strideWidth: number },
  height: number,
  width: number,
): tf.Tensor {
  const [batch, outHeight, outWidth, channels] = values.shape;
  const wide = dilate(tf.reshape(values, [batch * outHeight, outWidth, 1, channels]), j, strideWidth, width);
  return tf.reshape(
    dilate(tf.reshape(wide, [batch, outHeight, 1, width * channels]), i, strideHeight, height),
    [batch, height, width, channels],
  );
}

/** [N, L, 1, K] -> [N, length, K]: entry l goes to position l * stride + offset. */
function dilate(values: tf.Tensor4D, offset: number, stride: number, length: number): tf.Tensor {
  const [count, entries, , size] = values.shape;
  const within = offset % stride;
  const gaps = tf.pad(values, [
    [0, 0],
    [0, 0],
    [within, stride - 1 - within],
    [0, 0],
  ]);
  const before = offset - within;
  return tf.pad(tf.reshape(gaps, [count, entries * stride, size]), [
    [0, 0],
    [before, length - before - entries * stride],
    [0, 0],
  ]);
}

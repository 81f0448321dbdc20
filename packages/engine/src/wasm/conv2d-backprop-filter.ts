import * as tf from '@tensorflow/tfjs';
import { EngineError } from '../backend/errors.js';

interface Attributes {
  readonly strides: number | [number, number];
  readonly pad: Parameters<typeof tf.backend_util.computeConv2DInfo>[4];
  readonly dataFormat: string;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
  readonly filterShape: [number, number, number, number];
}

/**
 * Gradient of a convolution with respect to its filter, from ops that wasm is fast at: for every tap (i, j) of the filter
 * the input that the tap saw, `[B*H*W, Cin]`, is multiplied with the output's gradient, `[B*H*W, Cout]`.
 *
 * Inputs x `[B, H, W, Cin]` and dy `[B, H', W', Cout]`; result `[fh, fw, Cin, Cout]`.
 */
export const conv2dBackpropFilter: tf.KernelFunc = ({ inputs, attrs }) => {
  const { x, dy } = inputs as unknown as { x: tf.Tensor4D; dy: tf.Tensor4D };
  const { strides, pad, dataFormat, dimRoundingMode, filterShape } = attrs as unknown as Attributes;
  if (dataFormat !== 'NHWC')
    throw new EngineError(`Convolutions train on wasm in the order NHWC only; dataFormat is ${dataFormat}.`);
  const { padInfo, outHeight, outWidth, strideHeight, strideWidth } = tf.backend_util.computeConv2DInfo(
    x.shape,
    filterShape,
    strides,
    1,
    pad,
    dimRoundingMode,
  );
  const [filterHeight, filterWidth, inChannels, outChannels] = filterShape;
  const batch = x.shape[0];
  return tf.tidy(() => {
    const padded = tf.pad(x, [
      [0, 0],
      [padInfo.top, padInfo.bottom],
      [padInfo.left, padInfo.right],
      [0, 0],
    ]);
    const gradient = tf.reshape(dy, [batch * outHeight * outWidth, outChannels]);
    const taps: tf.Tensor[] = [];
    for (let i = 0; i < filterHeight; i++) {
      for (let j = 0; j < filterWidth; j++) {
        const end = [
          batch,
          i + (outHeight - 1) * strideHeight + 1,
          j + (outWidth - 1) * strideWidth + 1,
          inChannels,
        ];
        const seen = tf.stridedSlice(padded, [0, i, j, 0], end, [1, strideHeight, strideWidth, 1]);
        taps.push(
          tf.matMul(tf.reshape(seen, [batch * outHeight * outWidth, inChannels]), gradient, true, false),
        );
      }
    }
    return tf.reshape(tf.stack(taps), filterShape);
  });
};

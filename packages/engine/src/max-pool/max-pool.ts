import * as tf from '@tensorflow/tfjs';
import { replaceKernel } from '../backend/replace-kernel.js';
import { isTensorFlowBackend, type TensorFlowBackend } from '../backend/tensorflow-binding.js';

type PoolInfo = ReturnType<typeof tf.backend_util.computePool2DInfo>;
type Pads = Parameters<typeof tf.backend_util.computePool2DInfo>[4];

let replaced = false;

/**
 * Max-pooling of images `[N, H, W, C]`, padded by the same on either side; what lies outside never wins.
 *
 * @param size of the window, down and across; so are `stride` and `padding`, of which a window has at most half
 */
export function maxPool(
  x: tf.Tensor4D,
  size: readonly [number, number],
  stride: readonly [number, number],
  padding: readonly [number, number],
): tf.Tensor4D {
  const [ph, pw] = padding;
  const around: [[0, 0], [number, number], [number, number], [0, 0]] = [
    [0, 0],
    [ph, ph],
    [pw, pw],
    [0, 0],
  ];
  const pool = (given: tf.Tensor4D, pad: Pads) => tf.maxPool(given, [...size], [...stride], pad);
  if (ph + pw === 0) return pool(x, 'valid');
  // tfjs-node's own kernel knows no padding
  if (replaced && isTensorFlowBackend(tf.backend())) return pool(x, around);
  return pool(tf.pad(x, around, -Infinity), 'valid');
}

/**
 * Puts the op library's max-pooling and its gradient in the place of TensorFlow's, whose gradient takes ten times as long.
 * They also know explicit padding, which saves a padded copy.
 */
export function replaceMaxPool(): void {
  replaced = true;
  replace('MaxPool', 'BidlMaxPool', ({ x }) => [x]);
  replace('MaxPoolGrad', 'BidlMaxPoolGrad', ({ input, dy }) => [input, dy]);
}

function replace(
  kernelName: string,
  op: string,
  operands: (
    inputs: Readonly<Record<string, tf.TensorInfo>>,
  ) => readonly [x: tf.TensorInfo, ...tf.TensorInfo[]],
): void {
  replaceKernel(kernelName, 'tensorflow', (own) => (args) => {
    const given = operands(args.inputs as Record<string, tf.TensorInfo>);
    const [{ shape, dtype }] = given;
    if (dtype !== 'float32') return own(args);
    const { filterSize, strides, pad, dimRoundingMode } = args.attrs as unknown as {
      filterSize: number | [number, number];
      strides: number | [number, number];
      pad: Pads;
      dimRoundingMode?: 'floor';
    };
    const image = [...shape] as [number, number, number, number];
    const info = tf.backend_util.computePool2DInfo(image, filterSize, strides, 1, pad, dimRoundingMode);
    const backend = args.backend as TensorFlowBackend;
    return backend.executeSingleOutput(op, attributesOf(backend, info), given);
  });
}

const attributesOf = ({ binding }: TensorFlowBackend, info: PoolInfo) =>
  Object.entries({
    k_h: info.filterHeight,
    k_w: info.filterWidth,
    stride_h: info.strideHeight,
    stride_w: info.strideWidth,
    pad_h: info.padInfo.top,
    pad_w: info.padInfo.left,
    rows: info.outHeight,
    columns: info.outWidth,
  }).map(([name, value]) => ({ name, type: binding.TF_ATTR_INT, value }));

import { tf } from '@bidl/engine';
import { LayerError } from '../errors.js';
import { pair, positive } from './checks.js';

/** Arguments of a convolution, by upstream's and PyTorch's names. */
export interface ConvolutionArgs {
  kernel_size: number | readonly number[];
  /** Default 1. */
  stride?: number | readonly number[];
  /** Zeros on every side. Default 0. */
  padding?: number | readonly number[];
  /** Default 1. */
  groups?: number;
}

/** The geometry of a convolution, checked. */
export interface Convolution {
  readonly kernelSize: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly groups: number;
}

/** @throws LayerError for sizes that aren't whole numbers. */
export const convolutionOf = (args: ConvolutionArgs, layer: string): Convolution => ({
  kernelSize: pair(args.kernel_size, 'kernel_size', 1, layer),
  stride: pair(args.stride ?? 1, 'stride', 1, layer),
  padding: pair(args.padding ?? 0, 'padding', 0, layer),
  groups: positive(args.groups ?? 1, 'groups', layer),
});

/** How many places a window has along an axis; null for an open one. */
export function placesAlong(
  size: number | null,
  axis: 0 | 1,
  { kernelSize, stride, padding }: Omit<Convolution, 'groups'>,
): number | null {
  return size === null ? null : Math.floor((size + 2 * padding[axis] - kernelSize[axis]) / stride[axis]) + 1;
}

type Pair = [number, number];

/** `[B, H, W, C]` and a kernel `[kh, kw, C / groups, out]` to `[B, H', W', out]`. */
export function convolve(x: tf.Tensor4D, kernel: tf.Tensor4D, geometry: Convolution): tf.Tensor4D {
  const [ph, pw] = geometry.padding;
  const [kh, kw] = geometry.kernelSize;
  const stride: [number, number] = [...geometry.stride];
  // The names where they mean the same: backends know them best.
  const same = stride.every((s) => s === 1) && 2 * ph === kh - 1 && 2 * pw === kw - 1;
  const around: [Pair, Pair, Pair, Pair] = [
    [0, 0],
    [ph, ph],
    [pw, pw],
    [0, 0],
  ];
  const pad = same ? 'same' : ph + pw === 0 ? 'valid' : around;
  const part = (input: tf.Tensor4D, weights: tf.Tensor4D) => tf.conv2d(input, weights, stride, pad);
  if (geometry.groups === 1) return part(x, kernel);
  const kernels = tf.split(kernel, geometry.groups, 3) as tf.Tensor4D[];
  const parts = tf.split(x, geometry.groups, 3) as tf.Tensor4D[];
  return tf.concat(
    parts.map((input, i) => part(input, kernels[i] ?? kernel)),
    3,
  );
}

/** @throws LayerError when channels can't be split into groups. */
export function checkGroups(what: string, channels: number, groups: number, layer: string): void {
  if (channels % groups === 0) return;
  throw new LayerError(layer, `${what} ${channels} can't be split into ${groups} groups`);
}

/** The shape of a kernel over so many input channels. @throws LayerError when groups don't fit. */
export function kernelShape(
  { kernelSize: [kh, kw], groups }: Convolution,
  input: number,
  output: number,
  layer: string,
): [number, number, number, number] {
  checkGroups('the number of input channels,', input, groups, layer);
  return [kh, kw, input / groups, output];
}

import * as tf from '@tensorflow/tfjs';
import { ownConvolution } from '../conv/conv2d.js';
import { fusedFor, scanFused } from './fused.js';
import { checkScan } from './scan.js';
import type { AnyNeuron, ScanArgs, ScanResult } from './types.js';

export interface ConvScanArgs extends Omit<ScanArgs, 'x'> {
  /** `[B, T, H, W, C]` */
  readonly x: tf.Tensor5D;
  /** `[kh, kw, C, K]` */
  readonly kernel: tf.Tensor4D;
  readonly stride: readonly [number, number];
  /** Zeros on every side, in rows and in columns. */
  readonly padding: readonly [number, number];
}

/**
 * A convolution of every time step and the neurons behind it in one pass, differentiable in x and kernel too: what
 * `neuronScan` gives for `tf.conv2d` of x with time folded into the batch. The convolution's rows go to the neurons while
 * they are in cache, and the whole of its output, the largest tensor of a layer, is never stored.
 *
 * @returns undefined where the two are computed apart: without an op library, in composed form, or where a dense library
 *   computes this convolution best
 * @throws ScanError as {@link neuronScan}
 */
export function convScan(
  neuron: AnyNeuron,
  { x, kernel, stride, padding, ...args }: ConvScanArgs,
): ScanResult | undefined {
  if (args.form === 'composed') return undefined;
  const fused = fusedFor(neuron, { ...args, x });
  if ('obstacle' in fused) return undefined;
  const [batch, steps] = x.shape;
  const [ph, pw] = padding;
  const around = [
    [0, 0],
    [ph, ph],
    [pw, pw],
    [0, 0],
  ];
  const attrs = {
    strides: [...stride],
    pad: around,
    dataFormat: 'NHWC',
    dilations: [1, 1],
  } as unknown as tf.NamedAttrMap;
  const own = ownConvolution(x, kernel, attrs);
  if (!own) return undefined;
  checkScan(neuron, [batch, steps, own.rows, own.columns, kernel.shape[3]], args);
  return scanFused(neuron, fused, { ...args, x: { x, kernel, attrs, own } });
}

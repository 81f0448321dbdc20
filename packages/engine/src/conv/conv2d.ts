import type { OpsInfo } from '@bidl/kernels';
import * as tf from '@tensorflow/tfjs';
import { density, type Density } from '../backend/density.js';
import { replaceKernel } from '../backend/replace-kernel.js';
import {
  isTensorFlowBackend,
  type OpAttribute,
  type TensorFlowBackend,
} from '../backend/tensorflow-binding.js';
import { explicitConv2D } from './explicit-padding.js';

type ConvInfo = ReturnType<typeof tf.backend_util.computeConv2DInfo>;

/** Passes of a convolution, numbered as the op library numbers them. */
const PASSES = { Conv2D: 0, Conv2DBackpropFilter: 1, Conv2DBackpropInput: 2 } as const;
type Pass = keyof typeof PASSES;
const OPS: Readonly<Record<Pass, string>> = {
  Conv2D: 'BidlConv2D',
  Conv2DBackpropFilter: 'BidlConv2DFilterGrad',
  Conv2DBackpropInput: 'BidlConv2DInputGrad',
};
/** The way that leaves a pass to TensorFlow. */
const DENSE = 0;
/** The ways that take all images at once, never a few rows of one: direct and lookup. */
const WHOLE: readonly number[] = [3, 4];
/** What is taken of a gradient without a look. */
const DENSELY: Density = { share: 1, spikes: 0 };
/** Fewer multiplications than this are not worth a look at the input. */
const SMALL = 1e6;

type Inputs = Readonly<Record<string, tf.TensorInfo>>;
type Shape4 = [number, number, number, number];
type Attrs = tf.NamedAttrMap;

/** A pass's two operands in the op library's order, and the shapes of the convolution's input and kernel. */
const OPERANDS: Readonly<
  Record<Pass, (inputs: Inputs, attrs: Attrs) => [tf.TensorInfo, tf.TensorInfo, number[], number[]]>
> = {
  Conv2D: ({ x, filter }) => [x, filter, x.shape, filter.shape],
  Conv2DBackpropFilter: ({ x, dy }, { filterShape }) => [x, dy, x.shape, filterShape as number[]],
  Conv2DBackpropInput: ({ dy, filter }, { inputShape }) => [dy, filter, inputShape as number[], filter.shape],
};

/** What a convolution's attributes mean for shapes. */
function conv2dInfo(x: readonly number[], filter: readonly number[], attrs: Attrs): ConvInfo {
  const { strides, pad, dilations = 1, dimRoundingMode } = attrs;
  return tf.backend_util.computeConv2DInfo(
    [...x] as Shape4,
    [...filter] as Shape4,
    strides as [number, number],
    dilations as [number, number],
    pad as 'valid',
    dimRoundingMode as 'floor',
  );
}

/** Whether the op library may compute it: undilated, in one group, and not too small to look at its density. */
function worthwhile(info: ConvInfo): boolean {
  const { batchSize, outHeight, outWidth, outChannels, filterHeight, filterWidth, inChannels } = info;
  const work = batchSize * outHeight * outWidth * outChannels * filterHeight * filterWidth * inChannels;
  return info.dilationHeight === 1 && info.dilationWidth === 1 && work >= SMALL;
}

const shapeOf = (info: ConvInfo): readonly number[] => [
  ...[info.batchSize, info.inHeight, info.inWidth, info.inChannels],
  ...[info.outHeight, info.outWidth, info.outChannels, info.filterHeight, info.filterWidth],
  ...[info.strideHeight, info.strideWidth, info.padInfo.top, info.padInfo.left],
];

/** Rows and columns of what a pass gives: only the op library's caller knows them. */
function resultSize(pass: Pass, info: ConvInfo): readonly [number, number] {
  if (pass === 'Conv2D') return [info.outHeight, info.outWidth];
  if (pass === 'Conv2DBackpropFilter') return [info.filterHeight, info.filterWidth];
  return [info.inHeight, info.inWidth];
}

/** A convolution as the op library's attributes say it: all but what shapes of tensors tell. */
export interface ConvAttributes {
  readonly stride_h: number;
  readonly stride_w: number;
  /** Zeros before the image. */
  readonly pad_h: number;
  readonly pad_w: number;
  /** Size of the result, which the op can't see. */
  readonly rows: number;
  readonly columns: number;
  /** How it is computed. */
  readonly way: number;
}

/** No convolution. */
export const NO_CONV: ConvAttributes = {
  stride_h: 1,
  stride_w: 1,
  pad_h: 0,
  pad_w: 0,
  rows: 0,
  columns: 0,
  way: 0,
};

function convAttributes(pass: Pass, info: ConvInfo, way: number): ConvAttributes {
  const [rows, columns] = resultSize(pass, info);
  return {
    stride_h: info.strideHeight,
    stride_w: info.strideWidth,
    pad_h: info.padInfo.top,
    pad_w: info.padInfo.left,
    rows,
    columns,
    way,
  };
}

/** As ops take them. */
export const convOpAttributes = ({ binding }: TensorFlowBackend, attributes: ConvAttributes): OpAttribute[] =>
  Object.entries(attributes).map(([name, value]) => ({
    name,
    type: binding.TF_ATTR_INT,
    value: Number(value),
  }));

let library: OpsInfo | undefined;

/**
 * How the op library computes a convolution over images `[..., H, W, C]` row by row, or undefined where it doesn't, or where
 * there is no op library.
 */
export function ownConvolution(x: tf.Tensor, filter: tf.Tensor4D, attrs: Attrs): ConvAttributes | undefined {
  const backend: unknown = tf.backend();
  const size = x.shape.slice(-3);
  if (library === undefined || !isTensorFlowBackend(backend) || filter.shape[2] !== size[2]) return undefined;
  const images = x.shape.slice(0, -3).reduce((product, n) => product * n, 1);
  const info = conv2dInfo([images, ...size], filter.shape, attrs);
  if (!worthwhile(info)) return undefined;
  const { share, spikes } = density(backend, x);
  const way = library.convWay(PASSES.Conv2D, share, spikes, ...shapeOf(info));
  return way === DENSE || WHOLE.includes(way) ? undefined : convAttributes('Conv2D', info, way);
}

/** Whether a convolution is a matrix product: 1x1, every pixel on its own. */
const pointwise = (info: ConvInfo): boolean =>
  [info.filterHeight, info.filterWidth, info.strideHeight, info.strideWidth].every((n) => n === 1) &&
  Object.values(info.padInfo).every((n) => typeof n !== 'number' || n === 0);

/** Gradient in the input of a {@link pointwise} convolution; TensorFlow's own takes ten times as long for small images. */
function productGradient({ dy, filter }: Inputs, { inShape, inChannels, outChannels }: ConvInfo): tf.Tensor {
  return tf.tidy(() => {
    const gradients = tf.reshape(dy as tf.Tensor, [-1, outChannels]);
    const kernel = tf.reshape(filter as tf.Tensor, [inChannels, outChannels]);
    return tf.reshape(tf.matMul(gradients, kernel, false, true), inShape);
  });
}

type PassKernel = (
  args: Parameters<tf.KernelFunc>[0],
  info: ConvInfo,
  operands: [tf.TensorInfo, tf.TensorInfo],
  own: tf.KernelFunc,
) => ReturnType<tf.KernelFunc>;

/** Puts `by` before TensorFlow's kernel for every pass over floats, channels last, in one group. */
function replacePasses(by: (pass: Pass) => PassKernel): void {
  for (const pass of ['Conv2D', 'Conv2DBackpropFilter', 'Conv2DBackpropInput'] as const) {
    const kernel = by(pass);
    replaceKernel(pass, 'tensorflow', (own) => (args) => {
      const attrs = args.attrs ?? {};
      const [first, second, xShape, filterShape] = OPERANDS[pass](args.inputs as Inputs, attrs);
      const known =
        first.dtype === 'float32' &&
        second.dtype === 'float32' &&
        (attrs['dataFormat'] ?? 'NHWC') === 'NHWC' &&
        filterShape[2] === xShape[3];
      return known ? kernel(args, conv2dInfo(xShape, filterShape, attrs), [first, second], own) : own(args);
    });
  }
}

/** Makes TensorFlow's convolutions take explicit padding in every pass, which tfjs-node's own gradients don't know. */
export function takeExplicitPadding(): void {
  replacePasses(
    (pass) => (args, info, _, own) =>
      ['EXPLICIT', 'NUMBER'].includes(info.padInfo.type) ? explicitConv2D(pass, args, info, own) : own(args),
  );
}

/**
 * Puts the op library's convolutions before TensorFlow's. Which computes a pass is chosen at every call, from its shape and
 * the density of its input: inputs that are mostly zero are walked over by their non-zeros, dense 3x3 convolutions take
 * Winograd's form, those of many small images and their strides pairs of pixels, sums of many spikes are looked up, the rest
 * goes to TensorFlow as before.
 */
export function preferConvolutions(ops: OpsInfo): void {
  library = ops;
  const { convWay } = ops;
  replacePasses((pass) => (args, info, operands, own) => {
    const backend = args.backend as TensorFlowBackend;
    if (worthwhile(info)) {
      const known = pass === 'Conv2DBackpropInput' ? DENSELY : density(backend, operands[0]);
      const way = convWay(PASSES[pass], known.share, known.spikes, ...shapeOf(info));
      if (way !== DENSE) {
        const attributes = convOpAttributes(backend, convAttributes(pass, info, way));
        return backend.executeSingleOutput(OPS[pass], attributes, operands);
      }
    }
    const product = pass === 'Conv2DBackpropInput' && pointwise(info);
    return product ? productGradient(args.inputs as Inputs, info) : own(args);
  });
}

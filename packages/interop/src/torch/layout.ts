import { type NdArray, sizeOf, transpose } from '@bidl/formats';
import type { FeatureOrder } from './feature-order.js';

/** How a weight lies in PyTorch, and how it gets from there to here. */
export interface Layout {
  /** Its shape in PyTorch. */
  readonly torchShape: readonly number[];
  /** What {@link turn} does, as a reader of reports knows it; empty where it does nothing. */
  readonly turned: string;
  /** Elements of a `torchShape` in our order. */
  readonly turn: (array: NdArray) => NdArray;
}

const reversed = (shape: readonly number[]): number[] => [...shape].reverse();

/**
 * The layout of a weight by what it is: kernels have their outputs first there and last here, whatever else lies along
 * their axes; everything else has the same order. Weights over flattened images are put into our order of pixels.
 *
 * @param shape ours
 * @param order of the layer's input features, where they were an image
 */
export function layoutOf(
  isKernel: boolean,
  shape: readonly number[],
  order: FeatureOrder | undefined,
): Layout {
  if (!isKernel) return order && size(order) === sizeOf(shape) ? flatVector(shape, order) : asIs(shape);
  if (shape.length === 2) return order ? flatLinear(shape, order) : linear(shape);
  if (shape.length === 4) return conv2d(shape);
  return shape.length === 3 ? conv1d(shape) : asIs(shape);
}

const asIs = (shape: readonly number[]): Layout => ({
  torchShape: shape,
  turned: '',
  turn: (array) => array,
});

const linear = (shape: readonly number[]): Layout => ({
  torchShape: reversed(shape),
  turned: 'OI -> IO',
  turn: (array) => transpose(array, [1, 0]),
});

const conv1d = (shape: readonly number[]): Layout => ({
  torchShape: reversed(shape),
  turned: 'OIL -> LIO',
  turn: (array) => transpose(array, [2, 1, 0]),
});

const conv2d = ([height = 0, width = 0, input = 0, output = 0]: readonly number[]): Layout => ({
  torchShape: [output, input, height, width],
  turned: 'OIHW -> HWIO',
  turn: (array) => transpose(array, [2, 3, 1, 0]),
});

const flatLinear = ([features = 0, output = 0]: readonly number[], order: FeatureOrder): Layout => ({
  torchShape: [output, features],
  turned: 'O(CHW) -> (HWC)O',
  turn: (array) =>
    as(transpose(as(array, [output, ...channelsFirst(order)]), [2, 3, 1, 0]), [features, output]),
});

const flatVector = (shape: readonly number[], order: FeatureOrder): Layout => ({
  torchShape: shape,
  turned: 'CHW -> HWC',
  turn: (array) => as(transpose(as(array, channelsFirst(order)), [1, 2, 0]), shape),
});

const channelsFirst = ([height, width, channels]: FeatureOrder): number[] => [channels, height, width];

const size = ([height, width, channels]: FeatureOrder): number => height * width * channels;

/** The same elements under another shape. */
const as = (array: NdArray, shape: readonly number[]): NdArray => ({ ...array, shape });

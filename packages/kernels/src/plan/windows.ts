import type { WindowShape } from './code.js';
import type { PlanNode } from './graph.js';

type Image = readonly [number, number, number];
type Pair = readonly [number, number];

/** Inputs of a dense layer that are found together, where its inputs divide into such parts. */
const PARTS = [64, 32, 16, 8, 4];

/** Weights [inputs, outputs] over a row of pixels, so that the weights can be taken piece by piece. */
export function denseWindow([inputs, outputs]: readonly number[]): WindowShape {
  const channels = PARTS.find((size) => inputs % size === 0) ?? inputs;
  const pixels = inputs / channels;
  return {
    input: [1, pixels, channels],
    output: [1, 1, outputs],
    size: [1, pixels],
    stride: [1, 1],
    lead: [0, 0],
  };
}

/** The window of a convolution or pooling over `input`. */
export function windowOf(node: PlanNode, input: Image, size: Pair): WindowShape {
  const [top, , left] = node.attrs['padding'] as readonly number[];
  return {
    input,
    output: node.type.shape as unknown as Image,
    size,
    stride: node.attrs['stride'] as Pair,
    lead: [top, left],
  };
}

/** A pooling window over the whole image. */
export const wholeImage = (input: Image): WindowShape => ({
  input,
  output: [1, 1, input[2]],
  size: [input[0], input[1]],
  stride: [1, 1],
  lead: [0, 0],
});

/** Whether the windows lie side by side inside the image. */
export const tiles = ({ input, output, size, stride, lead }: WindowShape): boolean =>
  ([0, 1] as const).every(
    (axis) => lead[axis] === 0 && stride[axis] === size[axis] && output[axis] * size[axis] <= input[axis],
  );

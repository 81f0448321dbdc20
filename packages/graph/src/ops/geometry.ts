import { GraphError } from '../graph.js';

/** `[top, bottom, left, right]`: how far a window may stand over the border. */
export type Padding = readonly [number, number, number, number];

/** How a window walks over an image. */
export interface Window {
  readonly size: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: Padding;
}

/** Size of what a window walking over `[H, W]` gives. Where the stride does not fit, the rest is left out. */
export function windowedSize(height: number, width: number, window: Window): [number, number] {
  const { size, stride, padding } = window;
  const [top, bottom, left, right] = padding;
  if (top >= size[0] || bottom >= size[0] + stride[0] || left >= size[1] || right >= size[1] + stride[1]) {
    throw new GraphError(
      `padding [${padding.join(', ')}] is too large for a window of [${size.join(', ')}]: windows must not lie outside the image`,
    );
  }
  const along = (extent: number, length: number, step: number) => Math.floor((extent - length) / step) + 1;
  const rows = along(height + top + bottom, size[0], stride[0]);
  const columns = along(width + left + right, size[1], stride[1]);
  if (rows < 1 || columns < 1) {
    throw new GraphError(
      `a window of [${size.join(', ')}] does not fit into [${height}, ${width}] with padding [${padding.join(', ')}]`,
    );
  }
  if ((rows - 1) * stride[0] >= height + top || (columns - 1) * stride[1] >= width + left) {
    throw new GraphError(`padding [${padding.join(', ')}]: the last window lies outside the image`);
  }
  return [rows, columns];
}

/**
 * Shape of an elementwise operation: the largest operand's; the others are scalars `[]`, one value for each channel
 * (`[C]`, the last axis), or of the same shape.
 */
export function broadcastShape(shapes: readonly (readonly number[])[]): readonly number[] {
  let shape: readonly number[] = [];
  for (const s of shapes) if (s.length > shape.length) shape = s;
  const channels = shape.length === 0 ? 1 : shape[shape.length - 1];
  for (const s of shapes) {
    const same = s.length === shape.length && s.every((d, i) => d === shape[i]);
    const fits = s.length === 0 || (s.length === 1 && s[0] === channels);
    if (!same && !fits) {
      throw new GraphError(
        `[${s.join(', ')}] does not go with [${shape.join(', ')}]: give a scalar, one value for each of ${channels} channels, or the same shape`,
      );
    }
  }
  return shape;
}

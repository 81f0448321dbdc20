import { z } from 'zod';

import { cropClip, NO_PADDING, type Padding } from '../crop.js';
import { fits } from '../dtype.js';
import { PipelineError } from '../errors.js';
import { clipOf, withClip } from '../sample.js';
import { type Transform, transforms } from '../transform.js';
import { withRealValues } from '../wanted.js';
import { sizeSchema, toSize } from './size.js';

const width = z.int().min(0);

const schema = z.strictObject({
  /** Side of the crop, or [height, width]. */
  size: sizeSchema,
  /** Pixels added on all sides; [left and right, top and bottom]; or [left, top, right, bottom]. */
  padding: z.union([width, z.tuple([width, width]), z.tuple([width, width, width, width])]).nullish(),
  pad_val: z.number().default(0),
  padding_mode: z.enum(['constant', 'edge', 'reflect', 'symmetric']).default('constant'),
});

/** Arguments of {@link randomCropVideo}. */
export type RandomCropVideoArgs = z.output<typeof schema>;

/**
 * Cuts a window out of the clip, at one random place for all of its frames (`img`: [T, H, W, C] ->
 * [T, size, size, C]). Unlike upstream's, `padding` may be left out and every padding mode works.
 */
export function randomCropVideo(args: RandomCropVideoArgs): Transform {
  const [height, width] = toSize(args.size);
  const padding = toPadding(args.padding);
  return (given, rng) => {
    let sample = given;
    let clip = clipOf(sample, 'RandomCropVideo');
    if (!fits(args.pad_val, clip.dtype)) {
      sample = withRealValues(sample, 'RandomCropVideo');
      clip = clipOf(sample, 'RandomCropVideo');
    }
    const [, h = 0, w = 0] = clip.shape;
    const freeRows = h + padding.top + padding.bottom - height;
    const freeColumns = w + padding.left + padding.right - width;
    if (freeRows < 0 || freeColumns < 0) {
      throw new PipelineError(
        `RandomCropVideo can't cut ${height}x${width} out of a clip of ${h}x${w}` +
          `${args.padding ? ' with its padding' : ''}: make size smaller, or add padding`,
      );
    }
    const top = rng.int(0, freeRows);
    const left = rng.int(0, freeColumns);
    const window = { top, left, height, width, padding, mode: args.padding_mode, value: args.pad_val };
    return withClip(sample, cropClip(clip, window));
  };
}

function toPadding(padding: RandomCropVideoArgs['padding']): Padding {
  if (padding === null || padding === undefined) return NO_PADDING;
  if (typeof padding === 'number') return { top: padding, bottom: padding, left: padding, right: padding };
  const [left, top, right = left, bottom = top] = padding;
  return { left, top, right, bottom };
}

transforms.register({ type: 'RandomCropVideo', schema, build: randomCropVideo });

import { z } from 'zod';

import { cropClip } from '../crop.js';
import { PipelineError } from '../errors.js';
import { clipOf, withClip } from '../sample.js';
import { type Transform, transforms } from '../transform.js';
import { sizeSchema, toSize } from './size.js';

const schema = z.strictObject({
  /** Side of the crop, or [height, width]. */
  crop_size: sizeSchema,
});

/** Arguments of {@link centerCropVideo}. */
export type CenterCropVideoArgs = z.output<typeof schema>;

/**
 * Cuts the middle out of every frame (`img`: [T, H, W, C] -> [T, crop_size, crop_size, C]). An odd rest leaves
 * the larger margin below and to the right. Any size goes, not only upstream's 112 and 224.
 */
export function centerCropVideo({ crop_size }: CenterCropVideoArgs): Transform {
  const [height, width] = toSize(crop_size);
  return (sample) => {
    const clip = clipOf(sample, 'CenterCropVideo');
    const [, h = 0, w = 0] = clip.shape;
    if (height > h || width > w) {
      throw new PipelineError(
        `CenterCropVideo can't cut ${height}x${width} out of a clip of ${h}x${w}: make crop_size smaller`,
      );
    }
    const top = Math.floor((h - height) / 2);
    const left = Math.floor((w - width) / 2);
    return withClip(sample, cropClip(clip, { top, left, height, width }));
  };
}

transforms.register({ type: 'CenterCropVideo', schema, build: centerCropVideo });

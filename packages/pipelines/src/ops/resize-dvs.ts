import { z } from 'zod';

import { resizeClip, resizedShape } from '../resize.js';
import { clipOf, withClip } from '../sample.js';
import { type Transform, transforms } from '../transform.js';
import { withRealValues } from '../wanted.js';

const side = z.int().positive();

const schema = z.strictObject({
  /** Side, [height, width], or [s, -1] for a shorter side of s. */
  size: z.union([side, z.tuple([side, z.union([side, z.literal(-1)])])]),
  interpolation: z.literal('bilinear').default('bilinear'),
  /** Whose arithmetic is followed. */
  backend: z.literal('cv2').default('cv2'),
});

/** Arguments of {@link resizeDvs}. */
export type ResizeDvsArgs = z.output<typeof schema>;

/** Resizes every frame of the clip with cv2's arithmetic: [T, H, W, C] -> [T, h, w, C]. */
export function resizeDvs({ size }: ResizeDvsArgs): Transform {
  return (given) => {
    const sample = withRealValues(given, 'ResizeDVS');
    const clip = clipOf(sample, 'ResizeDVS');
    const [, height = 0, width = 0] = clip.shape;
    return withClip(sample, resizeClip(clip, resizedShape(size, height, width)));
  };
}

transforms.register({ type: 'ResizeDVS', schema, build: resizeDvs });

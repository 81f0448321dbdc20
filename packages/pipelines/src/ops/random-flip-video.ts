import { z } from 'zod';

import { flipClip } from '../flip.js';
import { clipOf, withClip } from '../sample.js';
import { type Transform, transforms } from '../transform.js';

const schema = z.strictObject({
  /** Chance of a flip, for the clip as a whole. */
  flip_prob: z.number().min(0).max(1).default(0.5),
  direction: z.enum(['horizontal', 'vertical']).default('horizontal'),
});

/** Arguments of {@link randomFlipVideo}. */
export type RandomFlipVideoArgs = z.output<typeof schema>;

/** Mirrors all frames of the clip, or none. 'horizontal' swaps left and right (upstream's swaps up and down). */
export function randomFlipVideo({ flip_prob, direction }: RandomFlipVideoArgs): Transform {
  return (sample, rng) =>
    rng.uniform() < flip_prob
      ? withClip(sample, flipClip(clipOf(sample, 'RandomFlipVideo'), direction))
      : sample;
}

transforms.register({ type: 'RandomFlipVideo', schema, build: randomFlipVideo });

import { type Registry, registry } from '@bidl/registry';

import { type Rng } from './rng.js';
import { type Sample } from './sample.js';

/** One step of a pipeline: a new sample out of an old one. Whatever is random comes from `rng`. */
export type Transform = (sample: Sample, rng: Rng) => Sample;

/**
 * The ops that a config can name (`{ type: 'RandomCropVideo', size: 32 }`).
 *
 * @example
 * transforms.register({
 *   type: 'Invert',
 *   schema: z.strictObject({ top: z.number().default(1) }),
 *   build: ({ top }) => (sample) => invert(sample, top),
 * });
 */
export const transforms: Registry<Transform> = registry<Transform>('pipeline');

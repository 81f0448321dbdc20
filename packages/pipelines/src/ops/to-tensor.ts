import { z } from 'zod';

import { type Sample } from '../sample.js';
import { type Transform, transforms } from '../transform.js';
import { arrayOf } from './array-of.js';

const schema = z.strictObject({
  /** Which values of the sample. */
  keys: z.array(z.string()).min(1),
});

/** Arguments of {@link toTensor}. */
export type ToTensorArgs = z.output<typeof schema>;

/** Makes arrays of numbers and lists: integers become int64, others float32; a single number has shape []. */
export function toTensor({ keys }: ToTensorArgs): Transform {
  return (sample) =>
    keys.reduce<Sample>(
      (current, key) => ({ ...current, [key]: arrayOf(current[key], key, 'ToTensor', current) }),
      sample,
    );
}

transforms.register({ type: 'ToTensor', schema, build: toTensor });

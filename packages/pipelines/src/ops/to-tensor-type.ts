import { z } from 'zod';

import { CAST_DTYPES } from '../dtype.js';
import { PipelineError } from '../errors.js';
import { imageOf, isNdArray, type Sample } from '../sample.js';
import { type Transform, transforms } from '../transform.js';
import { withDtype } from '../wanted.js';
import { arrayOf } from './array-of.js';

const schema = z.strictObject({
  /** Which values of the sample. */
  keys: z.array(z.string()).min(1).default(['img']),
  dtype: z.enum(CAST_DTYPES),
});

/** Arguments of {@link toTensorType}. */
export type ToTensorTypeArgs = z.output<typeof schema>;

/**
 * Gives values of the sample a type. Bytes that are to be float32 stay bytes until the network converts them
 * (`withDtype` says why); everything else is converted here.
 */
export function toTensorType({ keys, dtype }: ToTensorTypeArgs): Transform {
  return (sample) =>
    keys.reduce<Sample>((current, key) => {
      if (key === 'img' && current.pack) {
        throw new PipelineError(
          'ToTensorType can\'t convert packed bits: put { type: "ToNdarr" } before it in the pipeline',
        );
      }
      const value = key === 'img' ? imageOf(current, 'ToTensorType') : current[key];
      const array = isNdArray(value) ? value : arrayOf(value, key, 'ToTensorType', current);
      return withDtype(current, key, array, dtype);
    }, sample);
}

transforms.register({ type: 'ToTensorType', schema, build: toTensorType });

import { ndarray } from '@bidl/formats';
import { z } from 'zod';

import { CAST_DTYPES } from '../dtype.js';
import { PipelineError } from '../errors.js';
import { channelsLast, imageOf, type Sample } from '../sample.js';
import { type Transform, transforms } from '../transform.js';
import { unpackBits } from '../unpack-bits.js';
import { withDtype } from '../wanted.js';

const schema = z.strictObject({
  dtype: z.enum(CAST_DTYPES).default('float32'),
});

/** Arguments of {@link toNdarr}. */
export type ToNdarrArgs = z.output<typeof schema>;

/**
 * Unpacks a sample whose frames are stored as bits (`pack` holds the shape), turns it channels last if its
 * layout is upstream's, and gives it a type. A sample without `pack` only gets the type.
 *
 * float32 leaves the bytes as they are and notes the type, see `withDtype`.
 */
export function toNdarr({ dtype }: ToNdarrArgs): Transform {
  return (sample) => {
    const unpacked = unpack(sample);
    return withDtype(unpacked, 'img', imageOf(unpacked, 'ToNdarr'), dtype);
  };
}

function unpack(sample: Sample): Sample {
  const { pack, ...rest } = sample;
  if (!pack) return channelsLast(sample);
  const packed = imageOf(sample, 'ToNdarr');
  if (packed.dtype !== 'uint8') {
    throw new PipelineError(`ToNdarr unpacks bytes (uint8), but img is ${packed.dtype}`);
  }
  const img = ndarray(unpackBits(packed.data as Uint8Array, pack), [...pack], 'uint8');
  return channelsLast({ ...rest, img });
}

transforms.register({ type: 'ToNdarr', schema, build: toNdarr });

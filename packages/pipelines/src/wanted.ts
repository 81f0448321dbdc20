import { type DType, type NdArray } from '@bidl/formats';

import { type CastDType, castArray } from './dtype.js';
import { imageOf, isNdArray, type Sample, wantedDtype } from './sample.js';

/**
 * Asks for a type. Bytes that shall become float32 stay bytes, with a note in `sample.wanted`: frames of counts
 * then travel to the network in a quarter of the memory, and are converted there, where it costs nothing. All
 * other conversions happen at once.
 */
export function withDtype(sample: Sample, key: string, array: NdArray, dtype: CastDType): Sample {
  if (array.dtype === 'uint8' && dtype === 'float32') {
    return { ...sample, [key]: array, wanted: { ...sample.wanted, [key]: dtype } };
  }
  return { ...withoutWanted(sample, key), [key]: castArray(array, dtype) };
}

/** The sample with a postponed conversion of `img` done, for ops that compute with the values. */
export function withRealValues(sample: Sample, op: string): Sample {
  const dtype = wantedDtype(sample, 'img');
  if (dtype === undefined) return sample;
  return { ...withoutWanted(sample, 'img'), img: castArray(imageOf(sample, op), dtype as CastDType) };
}

/** The array under `key` as the network is going to see it (tests and pictures want this). */
export function realValues(sample: Sample, key = 'img'): NdArray | undefined {
  const value = key === 'img' ? imageOf(sample, 'realValues') : sample[key];
  if (!isNdArray(value)) return undefined;
  const dtype: DType | undefined = wantedDtype(sample, key);
  return dtype === undefined ? value : castArray(value, dtype as CastDType);
}

function withoutWanted(sample: Sample, key: string): Sample {
  if (wantedDtype(sample, key) === undefined) return sample;
  const wanted = Object.fromEntries(Object.entries(sample.wanted ?? {}).filter(([name]) => name !== key));
  return { ...sample, wanted };
}

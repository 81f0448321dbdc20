import { type DType, type EventStream, type NdArray, ndarray, type TypedArray } from '@bidl/formats';

import { PipelineError } from './errors.js';
import { turnChannelsLast } from './layout.js';

/** Order of the axes of a clip: ours, or upstream's (channels before height and width). */
export type Layout = 'THWC' | 'TCHW';

/**
 * One sample on its way through a pipeline. Plain data; ops return a new sample and never write into the arrays
 * of the one they were given.
 */
export interface Sample {
  /** The clip, [T, H, W, C] (or [T, F] for one-dimensional data); packed bits while `pack` is there. */
  readonly img?: NdArray | TypedArray;
  /** The class number. */
  readonly gt_label?: NdArray | number | bigint;
  /** Shape of the clip whose bits `img` holds, eight to a byte (`ToNdarr` unpacks them). */
  readonly pack?: readonly number[];
  /** Order of the axes of `img` (and of `pack`); absent means 'THWC'. */
  readonly layout?: Layout;
  /** The file that the sample comes from. */
  readonly file?: string;
  /** Events, before `EventsToFrames` makes `img` of them. */
  readonly events?: EventStream;
  /** Height and width of the sensor that made the events. */
  readonly sensor?: readonly [number, number];
  /** Types asked for by `ToTensorType` whose conversion waits for the network, by key. See {@link wantedDtype}. */
  readonly wanted?: Readonly<Record<string, DType>>;
  readonly [key: string]: unknown;
}

/** The type that `key` shall have in the network, where that isn't the type it is kept in. */
export function wantedDtype(sample: Sample, key: string): DType | undefined {
  return sample.wanted?.[key];
}

/** The sample's `img` as an array. @throws PipelineError when there is none. */
export function imageOf(sample: Sample, op: string): NdArray {
  const { img } = sample;
  if (img === undefined) {
    const cause = sample.events
      ? 'only events: put { type: "EventsToFrames", ... } before it'
      : sample.file === undefined
        ? `only ${Object.keys(sample).join(', ') || 'nothing'}`
        : 'only the name of a file: put { type: "LoadEvents" } and { type: "EventsToFrames", ... } before it';
    throw new PipelineError(`${op} needs "img", but the sample has ${cause}`);
  }
  return isNdArray(img) ? img : ndarray(img, [img.length]);
}

/** The sample's `img` as a clip [T, H, W, C]. @throws PipelineError when it is packed, or has other axes. */
export function clipOf(sample: Sample, op: string): NdArray {
  if (sample.pack) {
    throw new PipelineError(
      `${op} can't work on packed bits: put { type: "ToNdarr", dtype: "uint8" } before it in the pipeline`,
    );
  }
  const clip = imageOf(sample, op);
  if (clip.shape.length !== 4) {
    throw new PipelineError(
      `${op} needs a clip [T, H, W, C], not an array of shape [${clip.shape.join(', ')}]`,
    );
  }
  return sample.layout === 'TCHW' ? turnChannelsLast(clip) : clip;
}

/** Replaces the clip. It is channels last from here on. */
export function withClip(sample: Sample, img: NdArray): Sample {
  return { ...sample, img, layout: 'THWC' };
}

/**
 * A sample whose clip is channels last: one of `layout: 'TCHW'` is turned, others come back as they are. Packed
 * bits can't be turned before `ToNdarr` has unpacked them, and are left alone.
 */
export function channelsLast(sample: Sample): Sample {
  if (sample.layout !== 'TCHW' || sample.pack || sample.img === undefined) return sample;
  const img = imageOf(sample, 'layout "TCHW"');
  if (img.shape.length <= 2) return withClip(sample, img);
  if (img.shape.length !== 4) {
    throw new PipelineError(
      `layout "TCHW" means arrays [T, C, H, W], but the sample's img has shape [${img.shape.join(', ')}]`,
    );
  }
  return withClip(sample, turnChannelsLast(img));
}

/** Whether the value is an array with a shape (and not bare typed data). */
export function isNdArray(value: unknown): value is NdArray {
  return (
    typeof value === 'object' && value !== null && 'shape' in value && 'data' in value && 'dtype' in value
  );
}

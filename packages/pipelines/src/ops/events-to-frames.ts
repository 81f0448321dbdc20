import { z } from 'zod';

import { PipelineError } from '../errors.js';
import { eventsToFrames } from '../events-to-frames.js';
import { type Sample, withClip } from '../sample.js';
import { type Transform, transforms } from '../transform.js';

const schema = z.strictObject({
  /** Number of frames. */
  T: z.int().positive(),
  split_by: z.enum(['number', 'time']).default('number'),
  /** Height of the frame; by default the sensor's. */
  height: z.int().positive().optional(),
  width: z.int().positive().optional(),
});

/** Arguments of {@link eventsToFramesOp}. */
export type EventsToFramesArgs = z.output<typeof schema>;

/** Makes a clip of counts out of the sample's events: `events` -> `img`, uint8 [T, H, W, 2]. */
export function eventsToFramesOp({ T, split_by, height, width }: EventsToFramesArgs): Transform {
  return (sample) => {
    const { events, ...rest } = sample;
    if (!events) {
      throw new PipelineError(
        `EventsToFrames needs "events", but the sample has ${Object.keys(sample).join(', ')}:` +
          ' put { type: "LoadEvents" } before it',
      );
    }
    const frame = { height: height ?? sample.sensor?.[0], width: width ?? sample.sensor?.[1] };
    if (frame.height === undefined || frame.width === undefined) {
      throw new PipelineError(
        'EventsToFrames needs height and width: this data set does not name its sensor size',
      );
    }
    const options = { T, splitBy: split_by, height: frame.height, width: frame.width };
    return withClip(rest as Sample, eventsToFrames(events, options));
  };
}

transforms.register({ type: 'EventsToFrames', schema, build: eventsToFramesOp });

import { extname } from 'node:path';

import { type EventStream, loadNmnist } from '@bidl/formats';
import { z } from 'zod';

import { PipelineError } from '../errors.js';
import { type Sample } from '../sample.js';
import { type Transform, transforms } from '../transform.js';

const schema = z.strictObject({});

/** Readers by file name extension. */
const READERS: Readonly<Record<string, (file: string, sample: Sample) => EventStream>> = {
  '.bin': (file, { sensor }) => loadNmnist(file, sensor && { height: sensor[0], width: sensor[1] }),
};

/**
 * Reads the events of the file that the sample names: `file` -> `events`. Known: `.bin`, the 40-bit events of
 * N-MNIST.
 *
 * @throws FormatError (with the path) for a file that isn't what its name says
 */
export function loadEvents(): Transform {
  return (sample) => {
    const { file } = sample;
    if (file === undefined) {
      throw new PipelineError(
        `LoadEvents needs "file", but the sample has ${Object.keys(sample).join(', ')}`,
      );
    }
    const read = READERS[extname(file).toLowerCase()];
    if (!read) {
      throw new PipelineError(
        `LoadEvents can't read ${file}: known extensions are ${Object.keys(READERS).join(', ')}`,
      );
    }
    return { ...sample, events: read(file, sample) };
  };
}

transforms.register({ type: 'LoadEvents', schema, build: loadEvents });

import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { writeNmnist } from '@bidl/formats';
import { rngFor } from '@bidl/pipelines';

import { type Assignment, pathOf } from './plan.js';
import { DIGIT_SIDE, makeSensor, recordDigit } from './record-digit.js';

const SIZE = DIGIT_SIDE * DIGIT_SIDE;

/** One worker's part of the job. Plain data and shared memory: it travels to a thread as it is. */
export interface Share {
  readonly pictures: Float32Array;
  readonly assignments: readonly Assignment[];
  readonly folder: string;
  readonly seed: number;
}

/** What became of each digit of a share, in its order. */
export interface ShareResult {
  readonly events: number[];
  readonly bytes: number[];
  /** SHA-256 of each file. */
  readonly digests: string[];
}

/** Records the digits of a share and writes their files (the folders are there already). */
export function recordShare(share: Share, onProgress: (done: number) => void): ShareResult {
  const { pictures, assignments, folder, seed } = share;
  const sensor = makeSensor(seed);
  const result: ShareResult = { events: [], bytes: [], digests: [] };
  assignments.forEach((assignment, i) => {
    const { picture } = assignment;
    const digit = pictures.subarray(picture * SIZE, (picture + 1) * SIZE);
    const events = recordDigit(digit, sensor, rngFor(seed, 'digit', picture));
    const bytes = writeNmnist(events);
    writeFileSync(join(folder, pathOf(assignment)), bytes);
    result.events.push(events.t.length);
    result.bytes.push(bytes.length);
    result.digests.push(createHash('sha256').update(bytes).digest('hex'));
    if (i % 100 === 99) onProgress(100);
  });
  onProgress(assignments.length % 100);
  return result;
}

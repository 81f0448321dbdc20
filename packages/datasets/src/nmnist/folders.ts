import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { type Sample } from '@bidl/pipelines';

import { DatasetError } from '../errors.js';

/** Height and width of the sensor. */
export const SENSOR = [34, 34] as const;

/** Whether there is such a folder. */
export function isFolder(path: string): boolean {
  return namesIn(path) !== undefined;
}

/** The samples in a folder `0/*.bin ... 9/*.bin`, per digit, sorted by name. @throws DatasetError without any */
export function listDigits(folder: string): Sample[][] {
  const byDigit = Array.from({ length: 10 }, (_, digit) => {
    const names = namesIn(join(folder, String(digit))) ?? [];
    return names
      .filter((name) => name.endsWith('.bin'))
      .sort()
      .map((name): Sample => ({ file: join(folder, String(digit), name), gt_label: digit, sensor: SENSOR }));
  });
  if (byDigit.every((samples) => samples.length === 0)) throw missing(folder);
  return byDigit;
}

/** The same folder beside this one: `Val` for `.../Train`. */
export function sibling(folder: string, name: string): string {
  return join(dirname(folder), name);
}

/** The folder's own name. */
export function nameOf(folder: string): string {
  return basename(folder);
}

function missing(folder: string): DatasetError {
  const what = isFolder(folder)
    ? `NMNIST: ${folder} holds no recordings (0/*.bin to 9/*.bin)`
    : `NMNIST: there is no folder ${folder}`;
  return new DatasetError(
    `${what}. Make a data set of this kind with "bidl datasets make event-digits" (10,000 real digits, under a` +
      ' minute), or get N-MNIST from https://www.garrickorchard.com/datasets/n-mnist and unpack Train.zip and' +
      ` Test.zip so that files like ${join(dirname(folder), 'Train', '0', '00002.bin')} are there; data_prefix` +
      ' names the folder Train, Val or Test',
  );
}

function namesIn(folder: string): string[] | undefined {
  try {
    return readdirSync(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

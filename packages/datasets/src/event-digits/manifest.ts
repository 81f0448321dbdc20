import { closeSync, fsyncSync, openSync, readdirSync, readFileSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';

import { z } from 'zod';

import { DatasetError } from '../errors.js';
import { SPLITS } from './plan.js';

/** Raised whenever the simulation changes: data made by another version is not the same data. */
export const VERSION = 1;

/** The manifest's name in the data set's folder. */
export const MANIFEST = 'event-digits.json';

const splitSchema = z.strictObject({
  samples: z.int(),
  /** Events of all samples together. */
  events: z.int(),
  /** Samples of each digit. */
  classes: z.array(z.int()),
});

const schema = z.strictObject({
  name: z.literal('event-digits'),
  version: z.int(),
  seed: z.number(),
  source: z.string(),
  sensor: z.tuple([z.int(), z.int()]),
  samples: z.int(),
  bytes: z.int(),
  splits: z.strictObject({ Train: splitSchema, Val: splitSchema, Test: splitSchema }),
  /** Over the name and SHA-256 of every file, in order of writing. */
  sha256: z.string(),
});

/** What was made: enough to say whether a folder is whole and of which making. */
export type Manifest = z.output<typeof schema>;

/** The manifest of a finished data set, or undefined when the folder has none. @throws DatasetError when it is damaged */
export function readManifest(folder: string): Manifest | undefined {
  let text: string;
  try {
    text = readFileSync(join(folder, MANIFEST), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const remedy = `remove ${folder} and make it again with "bidl datasets make event-digits"`;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new DatasetError(`${join(folder, MANIFEST)} is no JSON: ${remedy}`);
  }
  const result = schema.safeParse(parsed);
  if (!result.success) throw new DatasetError(`${join(folder, MANIFEST)} is damaged: ${remedy}`);
  return result.data;
}

/** Writes the manifest and flushes it: it is the last thing written before the folder gets its name. */
export function writeManifest(folder: string, manifest: Manifest): void {
  const file = openSync(join(folder, MANIFEST), 'w');
  try {
    writeSync(file, `${JSON.stringify(manifest, null, 2)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Whether all files are there, by number and by size. @throws DatasetError that says what is missing */
export function checkWhole(folder: string, manifest: Manifest): void {
  const remedy = `remove ${folder} and make it again with "bidl datasets make event-digits"`;
  let bytes = 0;
  for (const split of SPLITS) {
    manifest.splits[split].classes.forEach((count, label) => {
      const files = list(join(folder, split, String(label)));
      if (files.length !== count) {
        throw new DatasetError(
          `${folder}: ${split}/${label} has ${files.length} of ${count} files: ${remedy}`,
        );
      }
      for (const file of files) bytes += statSync(join(folder, split, String(label), file)).size;
    });
  }
  if (bytes !== manifest.bytes) {
    throw new DatasetError(
      `${folder} holds ${bytes} bytes of events instead of ${manifest.bytes}: ${remedy}`,
    );
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.bin'));
  } catch {
    return [];
  }
}

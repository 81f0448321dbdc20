import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gigabytes, megabytes, requireSpace } from './cache.js';
import { TENSORFLOW_VERSION, wheelPlatforms, type DeviceSpec } from './device.js';
import { EngineInstallError } from './errors.js';
import { MANIFEST, readManifest, wrongSizes, type FileRecord, type Manifest } from './manifest.js';
import { downloadWheels, findPip, type DownloadProgress } from './pip.js';
import { extractEntry, readZipDirectory, ZipError } from './zip.js';

/** How a step tells what it does. */
export interface Reporter {
  /** One line of plain text. */
  log(line: string): void;
  progress(progress: DownloadProgress): void;
}

/** TensorFlow's two libraries, in the order in which one needs the other. */
export const FRAMEWORK_LIBRARY = 'tensorflow/libtensorflow_framework.so.2';
export const MAIN_LIBRARY = 'tensorflow/libtensorflow_cc.so.2';

/** What is taken out of the wheels: the C library, the headers of its C API, and CUDA's libraries. */
const WANTED = [
  /^tensorflow\/libtensorflow_(cc|framework)\.so\.2$/,
  /^tensorflow\/include\/(tensorflow\/c|tensorflow\/core\/platform|tensorflow\/core\/common_runtime\/next_pluggable_device|tsl|xla\/tsl)\/.*\.h$/,
  /^nvidia\/[^/]+\/lib\/[^/]+\.so[.\d]*$/,
];

/** Where TensorFlow for this device lies in the cache. */
export function libraryFolder(cache: string, spec: DeviceSpec): string {
  return join(cache, 'tensorflow', `${spec.wheel}-${TENSORFLOW_VERSION}-${process.platform}-${process.arch}`);
}

/** What is wrong with the cached library, in words; empty when it is whole. One `stat` a file. */
export function libraryProblems(folder: string): string[] {
  const manifest = readManifest(folder);
  if (manifest === undefined)
    return existsSync(folder) ? [`${MANIFEST} is missing or damaged`] : [`${folder} is not there`];
  return wrongSizes(folder, manifest);
}

/**
 * Fetches TensorFlow into the cache: download aside, unpack aside, then one rename, so a killed or failed run leaves no
 * half library behind. Call it under the cache's lock.
 *
 * @throws EngineInstallError
 */
export async function fetchLibrary(cache: string, spec: DeviceSpec, reporter: Reporter): Promise<void> {
  const folder = libraryFolder(cache, spec);
  const platforms = wheelPlatforms();
  requireSpace(cache, spec.space);
  const aside = join(cache, 'tmp', `${spec.wheel}-${process.pid}`);
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(aside, { recursive: true });
  try {
    const download = `download TensorFlow ${TENSORFLOW_VERSION}`;
    const python = await findPip(download);
    const requirements = [`${spec.wheel}==${TENSORFLOW_VERSION}`, ...spec.companions];
    const begin = performance.now();
    const wheels = await downloadWheels({ step: download, requirements, platforms, aside, python }, (p) =>
      reporter.progress(p),
    );
    reporter.log(`${download}: ${seconds(begin)}`);
    await unpack(wheels, aside, folder, reporter);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

async function unpack(
  wheels: readonly string[],
  aside: string,
  folder: string,
  reporter: Reporter,
): Promise<void> {
  const step = 'unpack TensorFlow';
  const begin = performance.now();
  const target = join(aside, 'library');
  try {
    const files: Record<string, FileRecord> = {};
    for (const wheel of wheels) {
      for (const entry of readZipDirectory(wheel)) {
        if (!WANTED.some((pattern) => pattern.test(entry.name)) || entry.name.split('/').includes('..'))
          continue;
        files[entry.name] = await extractEntry(wheel, entry, join(target, entry.name));
      }
      rmSync(wheel);
    }
    for (const name of [MAIN_LIBRARY, FRAMEWORK_LIBRARY]) {
      if (files[name] === undefined) throw new ZipError(`the wheel holds no ${name}`);
    }
    const manifest: Manifest = { what: 'tensorflow', version: TENSORFLOW_VERSION, files };
    writeFileSync(join(target, MANIFEST), JSON.stringify(manifest, null, 1), { flush: true });
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(join(folder, '..'), { recursive: true });
    renameSync(target, folder);
    const bytes = Object.values(files).reduce((sum, { size }) => sum + size, 0);
    reporter.log(
      `${step}: ${seconds(begin)}, ${bytes < 1e9 ? megabytes(bytes) : gigabytes(bytes)} in ${folder}`,
    );
  } catch (error) {
    throw unpackError(step, error);
  }
}

function unpackError(step: string, error: unknown): unknown {
  if (error instanceof ZipError)
    return new EngineInstallError(step, error.message, 'run it again: the wheel will be downloaded afresh.');
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new EngineInstallError(
      step,
      `the disk is full (${message})`,
      'free some space, or set BIDL_CACHE to a folder on a bigger disk, and run it again.',
    );
  }
  if (code === undefined) return error;
  return new EngineInstallError(
    step,
    message,
    'see that the cache folder (BIDL_CACHE) can be written to, and run it again.',
  );
}

/** @example seconds(begin) // '4.2 s' */
export function seconds(begin: number): string {
  return `${((performance.now() - begin) / 1000).toFixed(1)} s`;
}

import { buildOps as buildKernelOps } from '@bidl/kernels';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { addonFolder, addonPaths, buildAddons, hasAddons, linkLibrary, placeAddons } from './binding.js';
import { cacheRoot, megabytes } from './cache.js';
import { DEVICES, TENSORFLOW_VERSION, wheelPlatforms, type Device } from './device.js';
import { EngineInstallError } from './errors.js';
import {
  fetchLibrary,
  FRAMEWORK_LIBRARY,
  libraryFolder,
  libraryProblems,
  MAIN_LIBRARY,
  seconds,
  type Reporter,
} from './library.js';
import { withLock } from './lock.js';
import { readManifest, sizeOf } from './manifest.js';
import type { DownloadProgress } from './pip.js';
import { findPackage, readRecord, recordPath, type InstallRecord } from './record.js';
import { runProgram, tail } from './spawn.js';

/** Builds bidl's own op library against an unpacked TensorFlow; `@bidl/kernels` offers it. */
export type BuildOps = (args: {
  tensorflowDir: string;
  cacheDir: string;
  log: (line: string) => void;
}) => Promise<{ path: string; built?: boolean }>;

export interface InstallOptions {
  /** @default 'cpu' */
  readonly device?: Device;
  /** @default BIDL_CACHE, else `bidl` in the user's cache folder */
  readonly cacheDir?: string;
  /** Gets one line for every step that had something to do. @default nothing */
  readonly log?: (line: string) => void;
  /** Gets the state of the long download twice a second. @default a `log` line for every tenth of it */
  readonly progress?: (progress: DownloadProgress) => void;
  /** The tfjs-node package to complete. @default the one that this package sees */
  readonly packageFolder?: string;
  /** @default `buildOps` of @bidl/kernels; `null`: none */
  readonly buildOps?: BuildOps | null;
}

export interface InstallResult {
  readonly device: Device;
  /** Whether anything had to be done. */
  readonly changed: boolean;
  readonly packageFolder: string;
  readonly tensorflowDir: string;
  readonly ops: string | null;
}

/**
 * Puts TensorFlow's C library under tfjs-node: fetches it once per user into the cache, links it, compiles the binding and
 * bidl's ops. Does only what is missing; when nothing is, it costs a few milliseconds. Needs no root.
 *
 * @throws EngineInstallError naming the step, the reason and the remedy
 * @example await installEngine({ log: console.error });
 */
export async function installEngine(options: InstallOptions = {}): Promise<InstallResult> {
  const spec = DEVICES[options.device ?? 'cpu'];
  const cache = options.cacheDir ?? cacheRoot();
  const log = options.log ?? (() => undefined);
  const reporter: Reporter = { log, progress: options.progress ?? tenths(log) };
  wheelPlatforms();
  const packageFolder = options.packageFolder ?? findPackage(spec.npmPackage);
  if (packageFolder === undefined) {
    throw new EngineInstallError(
      'find tfjs-node',
      `the npm package ${spec.npmPackage} is not installed`,
      `npm install --ignore-scripts ${spec.npmPackage}@4.22.0, and run it again.`,
    );
  }
  const library = libraryFolder(cache, spec);
  const before = readRecord(packageFolder);
  let changed = await ensureLibrary(cache, library, spec, reporter);
  if (linkLibrary(packageFolder, library)) changed = true;
  if (!(await hasAddons(packageFolder, addonFolder(cache, packageFolder)))) {
    await withLock(cache, 'install', log, () => buildAddons(cache, packageFolder, reporter));
    placeAddons(cache, packageFolder);
    changed = true;
  }
  if (changed) await checkBinding(packageFolder, reporter);
  if (before?.ops && sizeOf(before.ops) !== before.files[before.ops]) rmSync(before.ops, { force: true });
  const ops = await ensureOps(options, cache, library, log);
  if (changed || before === undefined || before.ops !== ops) {
    changed = true;
    writeRecord(packageFolder, describe(spec.device, library, packageFolder, ops));
  }
  return { device: spec.device, changed, packageFolder, tensorflowDir: join(library, 'tensorflow'), ops };
}

async function ensureLibrary(
  cache: string,
  library: string,
  spec: (typeof DEVICES)[Device],
  reporter: Reporter,
): Promise<boolean> {
  if (libraryProblems(library).length === 0) return false;
  await withLock(cache, 'install', reporter.log, async () => {
    const problems = libraryProblems(library); // another installer may have been faster
    if (problems.length === 0) return;
    if (readManifest(library) !== undefined)
      reporter.log(`The cached TensorFlow is damaged (${problems[0]}); fetching it again.`);
    else
      reporter.log(
        `TensorFlow ${TENSORFLOW_VERSION} (${spec.device}) goes to ${library}, once for all checkouts.`,
      );
    await fetchLibrary(cache, spec, reporter);
  });
  return true;
}

async function ensureOps(
  options: InstallOptions,
  cache: string,
  library: string,
  log: (line: string) => void,
): Promise<string | null> {
  const buildOps = options.buildOps === undefined ? buildKernelOps : options.buildOps;
  if (buildOps === null) return null;
  const step = 'compile the spike ops';
  try {
    const begin = performance.now();
    const ops = await buildOps({
      tensorflowDir: join(library, 'tensorflow'),
      cacheDir: cache,
      log: () => undefined,
    });
    if (ops.built === true) log(`${step}: ${seconds(begin)}`);
    return ops.path;
  } catch (error) {
    if (error instanceof EngineInstallError) throw error;
    throw new EngineInstallError(
      step,
      (error as Error).message,
      'see that g++ (GCC 9 or newer) works, and run it again.',
    );
  }
}

/** Loads the binding in a process of its own: a library that crashes on loading must not take the installer with it. */
async function checkBinding(packageFolder: string, reporter: Reporter): Promise<void> {
  const step = 'load the TensorFlow binding';
  const begin = performance.now();
  const { binding } = addonPaths(packageFolder);
  const finished = await runProgram(process.execPath, ['-e', `require(${JSON.stringify(binding)})`], {
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  if (finished.code !== 0) {
    throw new EngineInstallError(
      step,
      tail(finished.stderr),
      'the library needs glibc 2.27 or newer and a CPU with AVX; bidl still runs on WebAssembly without it.',
    );
  }
  reporter.log(`${step}: ${seconds(begin)}`);
}

function describe(device: Device, library: string, packageFolder: string, ops: string | null): InstallRecord {
  const { binding, loader } = addonPaths(packageFolder);
  const framework = join(library, FRAMEWORK_LIBRARY);
  const checked = [join(library, MAIN_LIBRARY), framework, binding, loader, ...(ops === null ? [] : [ops])];
  const preload = Object.keys(readManifest(library)?.files ?? {}).filter((name) =>
    name.startsWith('nvidia/'),
  );
  return {
    device,
    tensorflow: { version: TENSORFLOW_VERSION, folder: join(library, 'tensorflow') },
    files: Object.fromEntries(checked.map((path) => [path, sizeOf(path) ?? 0])),
    loader,
    framework,
    preload: preload.map((name) => join(library, name)),
    ops,
  };
}

function writeRecord(packageFolder: string, record: InstallRecord): void {
  const path = recordPath(packageFolder);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, JSON.stringify(record, null, 1));
  renameSync(`${path}.new`, path);
}

/** Progress for those who only read lines: one for every tenth. */
function tenths(log: (line: string) => void): (progress: DownloadProgress) => void {
  let told = 0;
  return ({ done, total }) => {
    if (total === undefined || total === 0) return;
    const tenth = Math.floor((done / total) * 10);
    if (tenth <= told) return;
    told = tenth;
    log(`  ${tenth * 10} % (${megabytes(done)} of ${megabytes(total)})`);
  };
}

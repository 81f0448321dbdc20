import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { promisify } from 'node:util';
import { KernelError } from './errors.js';
import { type Addon, COMPILE_FLAGS, nativeDir, OPS, PLAN, sourceHash, units } from './sources.js';

const run = promisify(execFile);

export interface BuildPlanOptions {
  /** Where builds are kept, by content. */
  readonly cacheDir: string;
  /** The C++17 compiler; g++ or clang++. Default `g++`. */
  readonly compiler?: string;
  readonly log?: (line: string) => void;
}

export interface BuildOptions extends BuildPlanOptions {
  /** Unpacked TensorFlow: the folder whose `include` holds `tensorflow/c/ops.h`. */
  readonly tensorflowDir: string;
}

export interface Built {
  readonly path: string;
  /** Whether it had to be built. */
  readonly built: boolean;
}

const addonPath = (addon: Addon, cacheDir: string): string =>
  path.join(cacheDir, addon.name, sourceHash(addon), addon.file);

/** Where the op library of these sources lies in a cache, built or not. */
export const opsPath = (cacheDir: string): string => addonPath(OPS, cacheDir);

/** Where the plan library of these sources lies in a cache, built or not. */
export const planPath = (cacheDir: string): string => addonPath(PLAN, cacheDir);

/** Runs the compiler; its failures become a {@link KernelError}. */
async function compile(compiler: string, args: readonly string[], what: string): Promise<void> {
  try {
    await run(compiler, args, { cwd: nativeDir, maxBuffer: 1 << 24 });
  } catch (cause) {
    const { code, stderr } = cause as { code?: unknown; stderr?: string };
    if (code === 'ENOENT') {
      throw new KernelError(
        `no C++ compiler: "${compiler}" was not found. Install one (Debian, Ubuntu: apt-get install g++), ` +
          'or name one in CXX, and run `bidl engine install` again',
        { cause },
      );
    }
    throw new KernelError(`compiling ${what} failed: ${String(stderr ?? cause).slice(-2000)}`, { cause });
  }
}

/** Calls `task` on every item, two at a time. */
async function twoAtATime<T>(items: readonly T[], task: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await task(item);
  };
  await Promise.all([worker(), worker()]);
}

/** Builds an addon unless the cache has it: aside and renamed, so an interrupted build leaves nothing. */
async function buildAddon(
  addon: Addon,
  { cacheDir, compiler = 'g++', log = () => undefined }: BuildPlanOptions,
  includes: readonly string[],
): Promise<Built> {
  const target = addonPath(addon, cacheDir);
  if (existsSync(target)) return { path: target, built: false };
  const nodeHeaders = path.join(
    path.dirname(createRequire(import.meta.url).resolve('node-api-headers/package.json')),
    'include',
  );
  const folders = [...includes, nodeHeaders].map((folder) => `-I${folder}`);
  await mkdir(path.dirname(path.dirname(target)), { recursive: true });
  const scratch = await mkdtemp(path.join(path.dirname(path.dirname(target)), 'build-'));
  try {
    const all = units(process.arch, addon);
    log(`compiling ${all.length} files with ${compiler}`);
    await twoAtATime(all, ({ source, object, flags }) =>
      compile(
        compiler,
        [...COMPILE_FLAGS, ...folders, ...flags, '-c', source, '-o', path.join(scratch, object)],
        source,
      ),
    );
    const objects = all.map(({ object }) => path.join(scratch, object));
    const library = path.join(scratch, addon.file);
    await compile(compiler, ['-shared', '-pthread', ...objects, '-o', library, '-ldl'], addon.file);
    await mkdir(path.dirname(target), { recursive: true });
    await rename(library, target);
    return { path: target, built: true };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/**
 * Builds the TensorFlow op library unless the cache has it: spike kernels for every instruction set of this
 * architecture, in one Node addon.
 *
 * @throws KernelError without a compiler, or when compiling fails.
 */
export const buildOps = ({ tensorflowDir, ...options }: BuildOptions): Promise<Built> =>
  buildAddon(OPS, options, [path.join(tensorflowDir, 'include')]);

/**
 * Builds the plan library unless the cache has it. It needs a C++ compiler and nothing else.
 *
 * @throws KernelError without a compiler, or when compiling fails.
 */
export const buildPlan = (options: BuildPlanOptions): Promise<Built> => buildAddon(PLAN, options, []);

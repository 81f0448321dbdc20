import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { compile, twoAtATime } from './compiler.js';
import { BUILT_IN } from './neurons/built-in.js';
import { buildNeurons } from './neurons/build.js';
import { type Addon, COMPILE_FLAGS, OPS, PLAN, sourceHash, units } from './sources.js';

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
 * Builds, unless the cache has them, the TensorFlow op library, one Node addon with kernels for every instruction set of
 * this architecture, and the built-in neurons beside it.
 *
 * @throws KernelError without a compiler, or when compiling fails.
 */
export async function buildOps({ tensorflowDir, ...options }: BuildOptions): Promise<Built> {
  const addon = await buildAddon(OPS, options, [path.join(tensorflowDir, 'include')]);
  const neurons = await buildNeurons(
    BUILT_IN().map((kernel) => [kernel]),
    options,
  );
  return { path: addon.path, built: addon.built || neurons.compiled > 0 };
}

/**
 * Builds the plan library unless the cache has it. It needs a C++ compiler and nothing else.
 *
 * @throws KernelError without a compiler, or when compiling fails.
 */
export const buildPlan = (options: BuildPlanOptions): Promise<Built> => buildAddon(PLAN, options, []);

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { promisify } from 'node:util';
import { KernelError } from './errors.js';
import { COMPILE_FLAGS, nativeDir, sourceHash, units } from './sources.js';

const run = promisify(execFile);

export interface BuildOptions {
  /** Unpacked TensorFlow: the folder whose `include` holds `tensorflow/c/ops.h`. */
  readonly tensorflowDir: string;
  /** Where builds are kept, by content. */
  readonly cacheDir: string;
  /** The C++17 compiler; g++ or clang++. Default `g++`. */
  readonly compiler?: string;
  readonly log?: (line: string) => void;
}

/** Where the op library of these sources lies in a cache, built or not. */
export const opsPath = (cacheDir: string): string =>
  path.join(cacheDir, 'ops', sourceHash(), 'bidl_ops.node');

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

/**
 * Builds the TensorFlow op library unless the cache has it: spike kernels for every instruction set of this
 * architecture, in one Node addon. Built aside and renamed, so an interrupted build leaves nothing.
 *
 * @returns its path, and whether it had to be built.
 * @throws KernelError without a compiler, or when compiling fails.
 */
export async function buildOps(
  options: BuildOptions,
): Promise<{ readonly path: string; readonly built: boolean }> {
  const { tensorflowDir, cacheDir, compiler = 'g++', log = () => undefined } = options;
  const target = opsPath(cacheDir);
  if (existsSync(target)) return { path: target, built: false };
  const nodeHeaders = path.join(
    path.dirname(createRequire(import.meta.url).resolve('node-api-headers/package.json')),
    'include',
  );
  await mkdir(path.dirname(path.dirname(target)), { recursive: true });
  const scratch = await mkdtemp(path.join(path.dirname(path.dirname(target)), 'build-'));
  try {
    const all = units();
    log(`compiling ${all.length} files with ${compiler}`);
    await twoAtATime(all, ({ source, object, flags }) =>
      compile(
        compiler,
        [
          ...COMPILE_FLAGS,
          `-I${path.join(tensorflowDir, 'include')}`,
          `-I${nodeHeaders}`,
          ...flags,
          '-c',
          source,
          '-o',
          path.join(scratch, object),
        ],
        source,
      ),
    );
    const objects = all.map(({ object }) => path.join(scratch, object));
    const library = path.join(scratch, 'bidl_ops.node');
    await compile(compiler, ['-shared', '-pthread', ...objects, '-o', library, '-ldl'], 'the op library');
    await mkdir(path.dirname(target), { recursive: true });
    await rename(library, target);
    return { path: target, built: true };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

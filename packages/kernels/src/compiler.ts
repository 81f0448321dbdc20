import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import { KernelError } from './errors.js';
import { nativeDir } from './sources.js';

const run = promisify(execFile);

/** Runs the compiler in the folder of the native sources. @throws KernelError with its words when it fails */
export async function compile(compiler: string, args: readonly string[], what: string): Promise<void> {
  try {
    await run(compiler, args, { cwd: nativeDir, maxBuffer: 1 << 24 });
  } catch (cause) {
    throw failure(compiler, what, cause);
  }
}

/** {@link compile}, while the caller waits. */
export function compileSync(compiler: string, args: readonly string[], what: string): void {
  try {
    execFileSync(compiler, args, { cwd: nativeDir, maxBuffer: 1 << 24, stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (cause) {
    throw failure(compiler, what, cause);
  }
}

function failure(compiler: string, what: string, cause: unknown): KernelError {
  const { code, stderr } = cause as { code?: unknown; stderr?: unknown };
  if (code === 'ENOENT') {
    return new KernelError(
      `no C++ compiler: "${compiler}" was not found. Install one (Debian, Ubuntu: apt-get install g++), ` +
        'or name one in CXX, and run `bidl engine install` again',
      { cause },
    );
  }
  return new KernelError(`compiling ${what} failed: ${String(stderr ?? cause).slice(-2000)}`, { cause });
}

/** Calls `task` on every item, two at a time. */
export async function twoAtATime<T>(items: readonly T[], task: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await task(item);
  };
  await Promise.all([worker(), worker()]);
}

import { createRequire } from 'node:module';
import { EngineInstallError } from './errors.js';
import { findProgram, runProgram, tail } from './spawn.js';

const NO_COMPILER =
  'install a C++ compiler (Debian, Ubuntu: sudo apt-get install g++; Fedora: sudo dnf install gcc-c++), or name one in CXX, and run it again.';

/** The C++ compiler: `CXX`, else g++, c++ or clang++ on PATH; `undefined` when there is none. */
export function findCompiler(
  env: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
  const names = env['CXX'] ? [env['CXX']] : ['g++', 'c++', 'clang++'];
  return names.map((name) => findProgram(name, env['PATH'])).find((path) => path !== undefined);
}

/** Folder with `node_api.h`, from the npm package `node-api-headers`: Node's own headers need not be installed. */
export function nodeApiHeaders(): string {
  const headers = createRequire(import.meta.url)('node-api-headers') as { include_dir: string };
  return headers.include_dir;
}

/**
 * Compiles and links one shared object.
 *
 * @throws EngineInstallError without a compiler, or with the compiler's own words when it refuses
 */
export async function compileShared(
  step: string,
  args: {
    sources: readonly string[];
    flags: readonly string[];
    libraries?: readonly string[];
    output: string;
  },
): Promise<void> {
  const compiler = findCompiler();
  if (compiler === undefined)
    throw new EngineInstallError(
      step,
      `there is no C++ compiler (${process.env['CXX'] ?? 'g++'} is not on PATH)`,
      NO_COMPILER,
    );
  const fixed = ['-O2', '-std=c++17', '-fPIC', '-shared', '-DBUILDING_NODE_EXTENSION'];
  const finished = await runProgram(compiler, [
    ...fixed,
    ...args.flags,
    ...args.sources,
    '-o',
    args.output,
    ...(args.libraries ?? []),
  ]);
  if (finished.code !== 0) {
    throw new EngineInstallError(
      step,
      `${compiler} stopped:\n${tail(finished.stderr)}`,
      'GCC 9 or clang 10 or newer is needed; mend what it complains about, and run it again.',
    );
  }
}

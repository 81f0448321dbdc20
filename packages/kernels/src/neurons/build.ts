import type { NeuronKernel } from '@bidl/dynamics';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { compile, compileSync, twoAtATime } from '../compiler.js';
import { KernelError } from '../errors.js';
import { instructionSets } from '../sources.js';
import { neuronLibrary, type NeuronLibrary } from './library.js';

export interface NeuronBuildOptions {
  /** Where builds are kept, by content. */
  readonly cacheDir: string;
  /** The C++17 compiler; g++ or clang++. Default `g++`. */
  readonly compiler?: string;
}

/** A build aside: a process that is killed leaves nothing half done, and two at once do not meet. */
function aside({ source, flags, file }: NeuronLibrary) {
  mkdirSync(path.dirname(file), { recursive: true });
  const scratch = mkdtempSync(path.join(path.dirname(file), 'build-'));
  const unit = path.join(scratch, 'neurons.cc');
  const output = path.join(scratch, 'neurons.so');
  writeFileSync(unit, source);
  return {
    args: [...flags, unit, '-o', output],
    finish: () => renameSync(output, file),
    clean: () => rmSync(scratch, { recursive: true, force: true }),
  };
}

/**
 * Compiles kernels, each to a library of its own for every instruction set of this architecture, unless the cache has
 * them.
 *
 * @returns how many had to be compiled
 * @throws KernelError without a compiler, or when compiling fails.
 */
export async function buildNeurons(
  kernels: readonly NeuronKernel[],
  { cacheDir, compiler = 'g++' }: NeuronBuildOptions,
): Promise<number> {
  const libraries = instructionSets().flatMap((isa) =>
    kernels.map((kernel) => neuronLibrary([kernel], isa, cacheDir)),
  );
  const missing = libraries.filter(({ file }) => !existsSync(file));
  await twoAtATime(missing, async (library) => {
    const { args, finish, clean } = aside(library);
    try {
      await compile(compiler, args, 'a neuron');
      finish();
    } finally {
      clean();
    }
  });
  return missing.length;
}

/**
 * Compiles kernels to one library for one instruction set, while the caller waits, unless the cache has it.
 *
 * @param isa `avx512`, `avx2` or `baseline`
 * @returns where it is
 * @throws KernelError without a compiler, or when compiling fails.
 */
export function buildNeuronsSync(
  kernels: readonly NeuronKernel[],
  isa: string,
  { cacheDir, compiler = 'g++' }: NeuronBuildOptions,
): string {
  const library = libraryFor(kernels, isa, cacheDir);
  if (existsSync(library.file)) return library.file;
  const { args, finish, clean } = aside(library);
  try {
    compileSync(compiler, args, 'a neuron');
    finish();
  } finally {
    clean();
  }
  return library.file;
}

/** Where a cache keeps the library of these kernels, built or not. */
export const neuronsPath = (kernels: readonly NeuronKernel[], isa: string, cacheDir: string): string =>
  libraryFor(kernels, isa, cacheDir).file;

function libraryFor(kernels: readonly NeuronKernel[], isa: string, cacheDir: string): NeuronLibrary {
  const set = instructionSets().find(({ name }) => name === isa);
  if (set === undefined) throw new KernelError(`the instruction set "${isa}" is not one of this architecture`);
  return neuronLibrary(kernels, set, cacheDir);
}

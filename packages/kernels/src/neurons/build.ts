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
  /** More flags for the compiler. */
  readonly flags?: readonly string[];
}

export interface NeuronBuild {
  /** Where the libraries are, in the order in which they were asked for. */
  readonly files: readonly string[];
  /** How many had to be compiled. */
  readonly compiled: number;
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
 * Compiles libraries of kernels unless the cache has them, two at a time.
 *
 * @param libraries the kernels of each library
 * @param isas instruction sets to compile each library for. Default: all of this architecture
 * @throws KernelError without a compiler, or when compiling fails.
 */
export async function buildNeurons(
  libraries: readonly (readonly NeuronKernel[])[],
  options: NeuronBuildOptions,
  isas: readonly string[] = instructionSets().map(({ name }) => name),
): Promise<NeuronBuild> {
  const wanted = isas.flatMap((isa) => libraries.map((kernels) => libraryFor(kernels, isa, options)));
  const missing = wanted.filter(({ file }) => !existsSync(file));
  await twoAtATime(missing, async (library) => {
    const { args, finish, clean } = aside(library);
    try {
      await compile(options.compiler ?? 'g++', args, 'a neuron');
      finish();
    } finally {
      clean();
    }
  });
  return { files: wanted.map(({ file }) => file), compiled: missing.length };
}

/**
 * Compiles a kernel for one instruction set, while the caller waits, unless the cache has it.
 *
 * @param isa `avx512`, `avx2` or `baseline`
 * @returns where its library is
 * @throws KernelError without a compiler, or when compiling fails.
 */
export function buildNeuronSync(kernel: NeuronKernel, isa: string, options: NeuronBuildOptions): string {
  const library = libraryFor([kernel], isa, options);
  if (existsSync(library.file)) return library.file;
  const { args, finish, clean } = aside(library);
  try {
    compileSync(options.compiler ?? 'g++', args, 'a neuron');
    finish();
  } finally {
    clean();
  }
  return library.file;
}

/** Where a cache keeps a kernel's library, built or not. */
export const neuronPath = (kernel: NeuronKernel, isa: string, cacheDir: string): string =>
  libraryFor([kernel], isa, { cacheDir }).file;

function libraryFor(
  kernels: readonly NeuronKernel[],
  isa: string,
  { cacheDir, flags }: NeuronBuildOptions,
): NeuronLibrary {
  const set = instructionSets().find(({ name }) => name === isa);
  if (set === undefined)
    throw new KernelError(`the instruction set "${isa}" is not one of this architecture`);
  return neuronLibrary(kernels, set, cacheDir, flags);
}

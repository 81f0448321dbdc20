import { emitKernel, NotFusableError, type NeuronKernel, type Surrogate } from '@bidl/dynamics';
import { buildNeuronSync, neuronName, neuronPath, type OpsLibrary } from '@bidl/kernels';
import { existsSync } from 'node:fs';
import { findCompiler } from '../install/compiler.js';
import type { AnyNeuron } from './types.js';

/** A neuron with its surrogate, ready to run fused. */
export interface FusedNeuron {
  readonly name: string;
  readonly kernel: NeuronKernel;
}

/** A neuron's fused form, or why there is none. */
export type Fused = FusedNeuron | { readonly obstacle: string };

export interface NeuronStoreOptions {
  readonly library: OpsLibrary;
  /** Where compiled neurons are kept. */
  readonly cacheDir: string;
  /** The C++ compiler, if there is one. Default: {@link findCompiler}. */
  readonly compiler?: () => string | undefined;
  /** Hears of a neuron that is being compiled. */
  readonly log: (line: string) => void;
  /** Hears, once for each neuron, that it can't be compiled, and what would help. */
  readonly warn: (line: string) => void;
}

/**
 * Brings neurons' fused forms into the op library: emitted from their definitions, out of the cache where they have been
 * compiled before (the built-in ones were, with the library), else compiled on first use.
 */
export class NeuronStore {
  private readonly known = new WeakMap<AnyNeuron, WeakMap<Surrogate, Fused>>();
  /** Names of neurons that could not be compiled. */
  private readonly failed = new Map<string, string>();

  constructor(private readonly options: NeuronStoreOptions) {}

  fused(neuron: AnyNeuron, surrogate: Surrogate): Fused {
    const bySurrogate = this.known.get(neuron) ?? new WeakMap<Surrogate, Fused>();
    this.known.set(neuron, bySurrogate);
    const known = bySurrogate.get(surrogate);
    if (known) return known;
    const made = this.make(neuron, surrogate);
    bySurrogate.set(surrogate, made);
    return made;
  }

  private make(neuron: AnyNeuron, surrogate: Surrogate): Fused {
    try {
      const kernel = emitKernel(neuron, surrogate);
      const name = neuronName(kernel);
      const obstacle = this.load(neuron, name, kernel);
      return obstacle === undefined ? { name, kernel } : { obstacle };
    } catch (error) {
      if (!(error instanceof NotFusableError)) throw error;
      return { obstacle: `neuron "${neuron.name}" can't be fused: ${error.message}` };
    }
  }

  /** Makes sure that the op library has a kernel; what stands in the way otherwise. */
  private load(neuron: AnyNeuron, name: string, kernel: NeuronKernel): string | undefined {
    const { library, cacheDir, log, warn, compiler = findCompiler } = this.options;
    if (library.hasNeuron(name)) return undefined;
    const before = this.failed.get(name);
    if (before !== undefined) return before;
    const file = neuronPath(kernel, library.isa, cacheDir);
    const isCached = existsSync(file);
    try {
      if (!isCached) {
        const program = compiler();
        if (program !== undefined) log(`Compiling neuron "${neuron.name}": once, it is kept in ${cacheDir}`);
        buildNeuronSync(kernel, library.isa, { cacheDir, ...(program && { compiler: program }) });
      }
      library.loadNeurons(file);
      return undefined;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const remedy = isCached ? '. Delete the file, and it will be compiled again' : '';
      const obstacle = `neuron "${neuron.name}" has no fused kernel: ${reason}${remedy}`;
      warn(`${obstacle}. It runs composed, which is slower.`);
      this.failed.set(name, obstacle);
      return obstacle;
    }
  }
}

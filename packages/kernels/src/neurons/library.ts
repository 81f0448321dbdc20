import type { NeuronKernel } from '@bidl/dynamics';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { COMPILE_FLAGS, type InstructionSet, nativeDir } from '../sources.js';

const HEADERS = ['cpu/math.h', 'cpu/vector.h', 'scan/emitted.h', 'scan/neuron.h'];

const digest = (...texts: readonly string[]): string => {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(text);
  return hash.digest('hex').slice(0, 16);
};

/** A kernel's name: the hash of its source. */
export const neuronName = ({ source }: NeuronKernel): string => digest(source);

/** One shared library of emitted neurons for one instruction set. */
export interface NeuronLibrary {
  readonly source: string;
  readonly flags: readonly string[];
  /** Where a cache keeps it, by content. */
  readonly file: string;
}

/** What has to be compiled for these kernels. */
export function neuronLibrary(
  kernels: readonly NeuronKernel[],
  isa: InstructionSet,
  cacheDir: string,
  moreFlags: readonly string[] = [],
): NeuronLibrary {
  const source = librarySource(kernels);
  const flags = [...COMPILE_FLAGS, ...isa.flags, ...moreFlags];
  const headers = HEADERS.map((file) => readFileSync(path.join(nativeDir, file), 'utf8'));
  const key = digest(source, ...headers, JSON.stringify(flags));
  return {
    source,
    flags: [...flags, '-shared', `-I${nativeDir}`],
    file: path.join(cacheDir, 'neurons', `${key}-${isa.name}.so`),
  };
}

function librarySource(kernels: readonly NeuronKernel[]): string {
  const names = kernels.map(neuronName);
  return `#include "scan/neuron.h"
namespace bidl {
namespace BIDL_ISA {
namespace {
#include "scan/emitted.h"
${kernels.map(({ source }, k) => `namespace n_${names[k]} {\n${source}\n}`).join('\n')}
const BidlNeuronEntry entries[] = {${names.map((name) => `{"${name}", &n_${name}::neuron}`).join(', ')}};
}  // namespace
}  // namespace BIDL_ISA
}  // namespace bidl
extern "C" __attribute__((visibility("default"))) const bidl::BidlNeuronEntry* bidl_neurons(int* count) {
  *count = ${kernels.length};
  return bidl::BIDL_ISA::entries;
}
`;
}

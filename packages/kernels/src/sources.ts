import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The C++ sources, which travel with the package. */
export const nativeDir = fileURLToPath(new URL('../native/', import.meta.url));

/** One compilation: a source file, and the instruction set it is compiled for where there are several. */
export interface Unit {
  readonly source: string;
  readonly object: string;
  readonly flags: readonly string[];
}

/** One that kernels are compiled for. */
export interface InstructionSet {
  readonly name: 'baseline' | 'avx2' | 'avx512';
  readonly flags: readonly string[];
}

/** @param width floats of a vector */
const isa = (name: InstructionSet['name'], width: number, ...flags: string[]): InstructionSet => ({
  name,
  flags: [`-DBIDL_ISA=${name}`, `-DBIDL_WIDTH=${width}`, ...flags],
});

/** Instruction sets that kernels are compiled for, each including those before it; the processor chooses at run time. */
export const instructionSets = (arch: string = process.arch): readonly InstructionSet[] => [
  isa('baseline', 4),
  ...(arch === 'x64'
    ? [
        isa('avx2', 8, '-mavx2', '-mfma'),
        isa('avx512', 16, '-mavx512f', '-mavx512vl', '-mavx512bw', '-mavx512dq', '-mfma'),
      ]
    : []),
];

/**
 * Convolutions and products take fused multiply-add: their order of summation differs from the reference's anyhow, and no spike is decided
 * in them. Everything else rounds every operation.
 */
const contraction = (source: string): readonly string[] =>
  /^(conv|product)\//.test(source) ? ['-ffp-contract=fast'] : [];

/** One Node addon that is built from the native sources. */
export interface Addon {
  /** Folder of the cache that keeps its builds. */
  readonly name: string;
  readonly file: string;
  /** Compiled for every instruction set. */
  readonly perIsa: readonly string[];
  readonly plain: readonly string[];
}

/** The TensorFlow op library. */
export const OPS: Addon = {
  name: 'ops',
  file: 'bidl_ops.node',
  perIsa: [
    'max_pool/max_pool.cc',
    'norm/norm.cc',
    'scan/noise.cc',
    'update/update.cc',
    'conv/sparse.cc',
    'conv/sparse_filter.cc',
    'conv/winograd.cc',
    'conv/winograd_filter.cc',
    'conv/direct.cc',
    'conv/direct_filter.cc',
    'conv/spike_sums.cc',
    'conv/spike_filter.cc',
    'product/product.cc',
    'product/lookup.cc',
    'product/right_transposed.cc',
    'product/dense.cc',
  ],
  plain: [
    'cpu/isa.cc',
    'cpu/dispatch.cc',
    'pool/pool.cc',
    'update/program.cc',
    'scan/scan.cc',
    'scan/blocks.cc',
    'scan/steps_forward.cc',
    'scan/steps_backward.cc',
    'scan/registry.cc',
    'tf_ops/memory.cc',
    'tf_ops/tf_api.cc',
    'tf_ops/define.cc',
    'tf_ops/scan_op.cc',
    'tf_ops/max_pool_op.cc',
    'tf_ops/norm_op.cc',
    'tf_ops/update_op.cc',
    'conv/conv_choice.cc',
    'tf_ops/conv_op.cc',
    'product/product_choice.cc',
    'tf_ops/product_op.cc',
    'tf_ops/ways.cc',
    'tf_ops/addon.cc',
  ],
};

/** Plans of step graphs and the devices that run them; no TensorFlow in it. */
export const PLAN: Addon = {
  name: 'plan',
  file: 'bidl_plan.node',
  perIsa: [
    'plan/find.cc',
    'plan/from_list.cc',
    'plan/from_spikes.cc',
    'plan/elements.cc',
    'plan/fire.cc',
    'plan/pool.cc',
    'plan/grouped.cc',
  ],
  plain: [
    'cpu/isa.cc',
    'pool/pool.cc',
    'pool/team.cc',
    'plan/dispatch.cc',
    'plan/reader.cc',
    'plan/decode.cc',
    'plan/lists.cc',
    'plan/memory.cc',
    'plan/pack.cc',
    'plan/blocks.cc',
    'plan/group.cc',
    'plan/plan.cc',
    'plan/addon.cc',
    'device/device.cc',
    'device/calls.cc',
  ],
};

/**
 * What has to be compiled for an addon on `arch` (`x64`, `arm64`), in the order in which it is linked. The linker keeps
 * the first of several copies of a template's function (`std::vector<float>::assign`), so those for the weakest
 * instruction set come first: a later copy would be an illegal instruction on a processor that lacks its set.
 */
export function units(arch: string = process.arch, addon: Addon = OPS): readonly Unit[] {
  return [
    ...addon.plain.map((source) => ({ source, object: `${path.basename(source, '.cc')}.o`, flags: [] })),
    ...instructionSets(arch).flatMap(({ name, flags }) =>
      addon.perIsa.map((source) => ({
        source,
        object: `${path.basename(source, '.cc')}_${name}.o`,
        flags: [...flags, ...contraction(source)],
      })),
    ),
  ];
}

/**
 * SHA-256 (hex, 16 digits) over an addon's sources, the headers of their folders and the way they are compiled: the
 * name of one build.
 */
export function sourceHash(addon: Addon = OPS, arch: string = process.arch): string {
  const sources = [...addon.perIsa, ...addon.plain];
  const headers = [...new Set(sources.map((source) => path.dirname(source)))].flatMap((folder) =>
    readdirSync(path.join(nativeDir, folder))
      .filter((file) => file.endsWith('.h'))
      .map((file) => `${folder}/${file}`),
  );
  const hash = createHash('sha256').update(JSON.stringify([arch, units(arch, addon), COMPILE_FLAGS]));
  for (const file of [...sources, ...headers].sort()) {
    hash.update(file).update(readFileSync(path.join(nativeDir, file)));
  }
  return hash.digest('hex').slice(0, 16);
}

/** Contraction stays off: a kernel rounds every operation as the reference interpreter does. */
export const COMPILE_FLAGS = [
  '-O3',
  '-std=c++17',
  '-fPIC',
  '-ffp-contract=off',
  '-fno-math-errno',
  '-fvisibility=hidden',
  '-Wno-psabi',
] as const;

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

const isa = (name: string, width: number, ...flags: string[]) => ({ name, width, flags });

/** Instruction sets that kernels are compiled for; the processor chooses at run time. */
const instructionSets = (arch: string) => [
  ...(arch === 'x64'
    ? [isa('avx512', 16, '-mavx512f', '-mavx512vl', '-mavx512bw', '-mavx512dq'), isa('avx2', 8, '-mavx2')]
    : []),
  isa('baseline', 4),
];

/** Compiled for every instruction set. */
const PER_ISA = ['scan/lif_scan.cc', 'max_pool/max_pool.cc', 'adam/adam.cc'];

const PLAIN = [
  'cpu/dispatch.cc',
  'pool/pool.cc',
  'tf_ops/tf_api.cc',
  'tf_ops/define.cc',
  'tf_ops/lif_op.cc',
  'tf_ops/max_pool_op.cc',
  'tf_ops/adam_op.cc',
  'tf_ops/addon.cc',
];

/** What has to be compiled for the op library on `arch` (`x64`, `arm64`). */
export function units(arch: string = process.arch): readonly Unit[] {
  return [
    ...instructionSets(arch).flatMap(({ name, width, flags }) =>
      PER_ISA.map((source) => ({
        source,
        object: `${path.basename(source, '.cc')}_${name}.o`,
        flags: [`-DBIDL_ISA=${name}`, `-DBIDL_WIDTH=${width}`, ...flags],
      })),
    ),
    ...PLAIN.map((source) => ({ source, object: `${path.basename(source, '.cc')}.o`, flags: [] })),
  ];
}

/** SHA-256 (hex, 16 digits) over every source file and the way it is compiled: the name of one build. */
export function sourceHash(arch: string = process.arch): string {
  const hash = createHash('sha256').update(JSON.stringify([arch, units(arch), COMPILE_FLAGS]));
  for (const file of (readdirSync(nativeDir, { recursive: true }) as string[]).sort()) {
    if (/\.(cc|h)$/.test(file)) hash.update(file).update(readFileSync(path.join(nativeDir, file)));
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

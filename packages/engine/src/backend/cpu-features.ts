import { readFileSync } from 'node:fs';

/** Instruction sets that change which kernels run, in the order they are reported. */
const RELEVANT = [
  'sse4_2',
  'avx',
  'avx2',
  'fma',
  'avx512f',
  'avx512bw',
  'avx512_vnni',
  'avx512_bf16',
  'amx_tile',
  'asimd',
  'sve',
];

/**
 * Names of the CPU's vector instruction sets as Linux spells them; empty where the system does not tell.
 * Results are reproducible bit for bit only between machines with the same list, so checkpoints record it.
 */
export function cpuFeatures(cpuinfo: string = readCpuinfo()): string[] {
  const line = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(cpuinfo)?.[1] ?? '';
  const present = new Set(line.trim().split(/\s+/));
  return RELEVANT.filter((feature) => present.has(feature));
}

function readCpuinfo(): string {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    return '';
  }
}

import { float16ToFloat32, sizeOf } from '@bidl/formats';
import type { StateSlot, StepGraph } from '../graph.js';
import type { ExecutorState } from '../executor/executor.js';
import { toHalfBits } from '../ops/half.js';
import { stateItemSize } from '../print/summary.js';

/** Every state starts at a multiple of this many bytes. */
export const STATE_ALIGNMENT = 64;

export interface StateEntry extends StateSlot {
  /** Byte offset inside one sample's area. */
  readonly offset: number;
  readonly bytes: number;
}

/** Where the states lie: one area for each sample of the batch, one after the other. */
export interface StateTable {
  readonly entries: readonly StateEntry[];
  /** Size of one sample's area. */
  readonly bytesPerSample: number;
}

/** States in the graph's order, each aligned to {@link STATE_ALIGNMENT}. */
export function stateTable(graph: Pick<StepGraph, 'states'>): StateTable {
  let offset = 0;
  const entries = graph.states.map((slot) => {
    const bytes = sizeOf(slot.shape) * stateItemSize(slot.dtype);
    const entry = { ...slot, offset, bytes };
    offset += Math.ceil(bytes / STATE_ALIGNMENT) * STATE_ALIGNMENT;
    return entry;
  });
  return { entries, bytesPerSample: offset };
}

/** The state of n samples as memory: `n` areas as the table lays them out, little-endian, gaps zero. */
export function packStates(table: StateTable, state: ExecutorState, n: number): Uint8Array {
  const out = new Uint8Array(n * table.bytesPerSample);
  const view = new DataView(out.buffer);
  for (const { key, offset, shape, dtype } of table.entries) {
    const size = sizeOf(shape);
    const data = state.get(key) ?? new Float32Array(n * size);
    const halves = dtype === 'float16' ? toHalfBits(data) : undefined;
    for (let i = 0; i < n * size; i++) {
      const start = Math.floor(i / size) * table.bytesPerSample + offset;
      if (halves) view.setUint16(start + (i % size) * 2, halves[i], true);
      else view.setFloat32(start + (i % size) * 4, data[i], true);
    }
  }
  return out;
}

/** The reverse of {@link packStates}. */
export function unpackStates(table: StateTable, memory: Uint8Array, n: number): ExecutorState {
  const view = new DataView(memory.buffer, memory.byteOffset, memory.byteLength);
  return new Map(
    table.entries.map(({ key, offset, shape, dtype }) => {
      const size = sizeOf(shape);
      const start = (i: number) => Math.floor(i / size) * table.bytesPerSample + offset;
      if (dtype === 'float32') {
        return [
          key,
          Float32Array.from({ length: n * size }, (_, i) => view.getFloat32(start(i) + (i % size) * 4, true)),
        ];
      }
      const bits = Uint16Array.from({ length: n * size }, (_, i) =>
        view.getUint16(start(i) + (i % size) * 2, true),
      );
      return [key, float16ToFloat32(bits)];
    }),
  );
}

/** Whether two memories of n samples hold the same states, bit for bit; gaps between them may hold anything. */
export function sameStates(
  { entries, bytesPerSample }: StateTable,
  a: Uint8Array,
  b: Uint8Array,
  n: number,
): boolean {
  if (a.byteLength !== n * bytesPerSample || b.byteLength !== a.byteLength) return false;
  return entries.every(({ offset, bytes }) => {
    for (let i = 0; i < n; i++) {
      const [from, to] = [i * bytesPerSample + offset, i * bytesPerSample + offset + bytes];
      if (Buffer.compare(a.subarray(from, to), b.subarray(from, to)) !== 0) return false;
    }
    return true;
  });
}

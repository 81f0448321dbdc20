import { layLifetimes, type Lifetime } from './code.js';
import { type Group, type Instruction, type Value, valuesOf } from './instructions.js';

/** Notes which values are read outside the group that makes them. */
export function markEscapes(instructions: readonly Instruction[]): void {
  for (const instruction of instructions) {
    for (const value of valuesOf(instruction).reads) {
      if (value.group !== instruction) value.escapes = true;
    }
  }
}

/** Sums that others read too are copied out of the block that holds them. */
export function keepSums(instructions: readonly Instruction[]): void {
  for (const group of instructions) {
    if (group.kind !== 'group' || !group.synapse?.dst.escapes) continue;
    const { synapse } = group;
    const sums: Value = { ...synapse.dst, name: `sums of ${synapse.dst.name}`, escapes: false };
    group.elements.unshift({ op: 'copy', dst: [synapse.dst], src: [sums] });
    synapse.dst = sums;
  }
}

const isTemporary = (value: Value, group: Group): boolean =>
  value.group === group && !value.home && !value.escapes && value !== group.synapse?.dst;

/**
 * Values that only their own group reads hold one block, and share memory once they have been read.
 *
 * @returns how many blocks that takes
 */
export function placeTemporaries(instructions: readonly Instruction[]): number {
  let most = 0;
  for (const group of instructions) {
    if (group.kind !== 'group') continue;
    const steps = [
      ...group.elements,
      ...(group.pool ? [{ src: [group.pool.src], dst: [group.pool.dst] }] : []),
      ...(group.spikes ? [{ src: [group.spikes.src], dst: [] }] : []),
    ];
    const last = new Map<Value, number>();
    steps.forEach(({ src, dst }, i) => [...src, ...dst].forEach((value) => last.set(value, i)));
    const free: number[] = [];
    let used = 0;
    steps.forEach(({ src, dst }, i) => {
      for (const value of dst) if (isTemporary(value, group)) value.temporary = free.pop() ?? used++;
      for (const value of new Set([...src, ...dst])) {
        if (value.group === group && value.temporary !== undefined && last.get(value) === i) {
          free.push(value.temporary);
        }
      }
    });
    most = Math.max(most, used);
  }
  return most;
}

/**
 * Gives values that pass from one instruction to another their place.
 *
 * @returns the bytes of all for one step
 */
export function placeArena(instructions: readonly Instruction[]): number {
  const lives = new Set<Lifetime>();
  instructions.forEach((instruction, at) => {
    const { reads, writes } = valuesOf(instruction);
    for (const value of [...reads, ...writes]) {
      if (value.home || value.constant || value.temporary !== undefined) continue;
      if (instruction.kind === 'group' && value === instruction.synapse?.dst) continue;
      value.life ??= { bytes: value.n * 4, first: at, last: at, offset: 0 };
      value.life.last = at;
      lives.add(value.life);
    }
  });
  return layLifetimes(lives);
}

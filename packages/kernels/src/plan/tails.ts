import type { ListShape } from './code.js';
import { type Find, type Group, type Instruction, type Value, valuesOf } from './instructions.js';
import { tiles } from './windows.js';

/**
 * Lets a group pool and note as spikes what it makes, block by block, where nothing else reads it: the values
 * themselves then need no memory.
 */
export function attachTails(
  instructions: readonly Instruction[],
  lists: readonly ListShape[],
): readonly Instruction[] {
  const readers = new Map<Value, number>();
  for (const instruction of instructions) {
    for (const value of valuesOf(instruction).reads) {
      if (instruction.kind === 'group' && value.group === instruction) continue;
      readers.set(value, (readers.get(value) ?? 0) + 1);
    }
  }
  const only = (value: Value) => readers.get(value) === 1 && !value.home && value.group;
  const kept: Instruction[] = [];
  for (const instruction of instructions) {
    const group = kept.at(-1);
    if (group?.kind === 'group' && group.synapse && !group.spikes) {
      if (instruction.kind === 'pool' && !group.pool) {
        const { average, window, src, dst } = instruction;
        if (only(src) === group && tiles(window)) {
          group.pool = { average, window, src, dst };
          dst.group = group;
          continue;
        }
      }
      if (instruction.kind === 'find' && only(instruction.src) === group && fits(group, instruction, lists)) {
        group.spikes = { list: instruction.list, src: instruction.src };
        continue;
      }
    }
    kept.push(instruction);
  }
  return kept;
}

/** Whether the list takes the group's last image as it comes: in its own shape, or its fours one after another. */
function fits(group: Group, { list, src }: Find, lists: readonly ListShape[]): boolean {
  const { form, image } = lists[list];
  const last = group.pool ? group.pool.window.output : group.synapse?.window.output;
  if (form !== 'spikes' || !last || (group.pool && src !== group.pool.dst)) return false;
  return image.join() === last.join() || (image[2] % 4 === 0 && last[2] % 4 === 0);
}

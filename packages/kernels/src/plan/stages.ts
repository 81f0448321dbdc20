import { type Instruction, valuesOf } from './instructions.js';

/**
 * For each instruction, whether it belongs to the stage of the one before it. A stage may run through many steps before
 * the next one begins: its results of every step are kept for those who read them. That is right as long as everything that
 * touches a state lies in one stage, for the state has to be of the step that is being computed.
 */
export function joinedToPrevious(instructions: readonly Instruction[]): boolean[] {
  const spans = new Map<number, { readonly first: number; last: number }>();
  instructions.forEach((instruction, at) => {
    const { reads, writes } = valuesOf(instruction);
    for (const { home } of [...reads, ...writes]) {
      if (home?.place !== 'state') continue;
      const span = spans.get(home.offset) ?? { first: at, last: at };
      span.last = at;
      spans.set(home.offset, span);
    }
  });
  return instructions.map((_, at) => [...spans.values()].some(({ first, last }) => first < at && at <= last));
}

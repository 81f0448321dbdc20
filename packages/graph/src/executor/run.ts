import type { Executor, ExecutorState, InputNumbers } from './executor.js';

/** What a whole run gave. */
export interface SequenceRun {
  /** By step, then by output of the graph: `[n, ...shape]`. */
  readonly outputs: readonly (readonly Float32Array[])[];
  /** By step: the values asked for. */
  readonly taps: readonly ReadonlyMap<string, Float32Array>[];
  /** After the last step. */
  readonly state: ExecutorState;
}

/**
 * Runs n samples from their initial state over a sequence of steps.
 *
 * @param steps by step, then by input of the graph: `[n, ...shape]`
 */
export function runSequence(
  executor: Executor,
  steps: readonly (readonly InputNumbers[])[],
  n: number,
  taps: readonly string[] = [],
): SequenceRun {
  let state = executor.initialState(n);
  const outputs: (readonly Float32Array[])[] = [];
  const tapped: ReadonlyMap<string, Float32Array>[] = [];
  for (const inputs of steps) {
    const step = executor.step(inputs, state, taps);
    state = step.state;
    outputs.push(step.outputs);
    tapped.push(step.taps);
  }
  return { outputs, taps: tapped, state };
}

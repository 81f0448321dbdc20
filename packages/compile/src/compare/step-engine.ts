import { createExecutor, type StepGraph } from '@bidl/graph';

/** States by key, `[n, ...shape]` each, as `@bidl/graph`'s executor has them. */
export type States = ReadonlyMap<string, Float32Array>;

/** Something that computes a graph's step for n samples, from given states. */
export interface StepEngine {
  step(
    inputs: readonly Float32Array[],
    state: States,
    n: number,
  ): Promise<{ readonly outputs: readonly Float32Array[]; readonly state: States }>;
  /** Frees what it holds. */
  dispose?(): Promise<void> | void;
}

/** The reference executor as an engine. */
export function referenceEngine(graph: StepGraph): StepEngine {
  const executor = createExecutor(graph);
  return { step: (inputs, state) => Promise.resolve(executor.step(inputs, state)) };
}

import { sizeOf } from '@bidl/formats';
import type { Executor, InputNumbers } from '../executor/executor.js';
import { GraphError, type StepGraph } from '../graph.js';
import { shapesOf } from '../print/summary.js';
import { byteLength, bytesOf, fromMemory, join, toMemory } from './memory.js';
import { packStates, stateTable } from './state-table.js';

/** One sample: by step, then by input of the graph. */
export type Sample = readonly (readonly InputNumbers[])[];

/** Inputs with what the reference executor makes of them. */
export interface Check {
  /** Samples that run together. */
  readonly n: number;
  /** By step, then by input: `[n, ...shape]`. */
  readonly inputs: readonly (readonly InputNumbers[])[];
  /** By step, then by output: `[n, ...shape]`. */
  readonly outputs: readonly (readonly Float32Array[])[];
  /** Memory of the states (see `stateTable`) after the first step, where it was kept. */
  readonly firstState?: Uint8Array;
  /** ... and after the last. */
  readonly lastState: Uint8Array;
}

/** The parts of a check as they lie in files: by step, then by input or output, then by sample. */
export interface CheckBytes {
  readonly input: Uint8Array;
  readonly output: Uint8Array;
  readonly firstState: Uint8Array;
  readonly lastState: Uint8Array;
}

/** Runs `n` of the samples (again from the first when there are fewer) and notes what comes out. */
export function makeCheck(
  graph: StepGraph,
  executor: Executor,
  samples: readonly Sample[],
  n: number,
): CheckBytes {
  const { timesteps } = graph;
  samples.forEach((sample, i) => {
    if (sample.length !== timesteps) {
      throw new GraphError(
        `sample ${i} has ${sample.length} step(s), but graph "${graph.name}" takes ${timesteps}`,
      );
    }
  });
  if (samples.length === 0)
    throw new GraphError('an artifact needs at least one real sample to check itself with');
  const input: Uint8Array[] = [];
  for (let t = 0; t < timesteps; t++) {
    graph.inputs.forEach((declared, k) => {
      for (let i = 0; i < n; i++) {
        const bytes = toMemory(declared, samples[i % samples.length][t][k]);
        if (bytes.length !== byteLength(declared.type)) {
          throw new GraphError(
            `sample ${i % samples.length}, step ${t}: input "${declared.name}" needs [${declared.type.shape.join(', ')}]`,
          );
        }
        input.push(bytes);
      }
    });
  }
  const inputs = splitInputs(graph, join(input), n);
  return { input: join(input), ...runCheck(executor, inputs, n) };
}

/** What the executor makes of the inputs, in memory form. */
export function runCheck(
  executor: Executor,
  inputs: Check['inputs'],
  n: number,
): Pick<CheckBytes, 'output' | 'firstState' | 'lastState'> {
  const table = stateTable(executor.graph);
  const output: Uint8Array[] = [];
  let state = executor.initialState(n);
  let firstState: Uint8Array = new Uint8Array();
  inputs.forEach((frames, t) => {
    const step = executor.step(frames, state);
    state = step.state;
    output.push(...step.outputs.map(bytesOf));
    if (t === 0) firstState = packStates(table, state, n);
  });
  return { output: join(output), firstState, lastState: packStates(table, state, n) };
}

/** The inputs of a check from their file. */
export function splitInputs(graph: StepGraph, bytes: Uint8Array, n: number): InputNumbers[][] {
  let at = 0;
  return Array.from({ length: graph.timesteps }, () =>
    graph.inputs.map(({ type }) => {
      const length = n * byteLength(type);
      return fromMemory(type, bytes.subarray(at, (at += length)));
    }),
  );
}

/** The outputs of a check from their file. */
export function splitOutputs(graph: StepGraph, bytes: Uint8Array, n: number): Float32Array[][] {
  const shapeOf = shapesOf(graph);
  let at = 0;
  return Array.from({ length: graph.timesteps }, () =>
    graph.outputs.map(({ value }) => {
      const length = n * sizeOf(shapeOf(value)) * 4;
      return new Float32Array(bytes.slice(at, (at += length)).buffer);
    }),
  );
}

/** Bytes that each part of a check of n samples has. */
export function checkSizes(graph: StepGraph, n: number): { input: number; output: number; state: number } {
  const shapeOf = shapesOf(graph);
  const inputs = graph.inputs.reduce((sum, { type }) => sum + byteLength(type), 0);
  const outputs = graph.outputs.reduce((sum, { value }) => sum + sizeOf(shapeOf(value)) * 4, 0);
  const state = n * stateTable(graph).bytesPerSample;
  return { input: graph.timesteps * n * inputs, output: graph.timesteps * n * outputs, state };
}

/** How one element lies in memory; arithmetic is always float32. */
export type PlanFormat = 'float32' | 'uint8' | 'float16';

/**
 * What a plan is made from: one time step of a network, in the form that `StepGraph` of `@bidl/graph` has. Said here
 * by structure, since this package knows nothing of graphs beyond what it runs.
 */
export interface PlanGraph {
  readonly name: string;
  /** Steps of a sample: so many a plan may run at once, if it has them all. */
  readonly timesteps: number;
  readonly inputs: readonly {
    readonly name: string;
    readonly type: { readonly shape: readonly number[]; readonly dtype: PlanFormat };
  }[];
  readonly outputs: readonly { readonly name: string; readonly value: string }[];
  readonly nodes: readonly PlanNode[];
  readonly states: readonly {
    readonly key: string;
    readonly shape: readonly number[];
    readonly initial: number;
    readonly dtype: 'float32' | 'float16';
  }[];
  readonly weights: Readonly<
    Record<string, { readonly shape: readonly number[]; readonly data: Float32Array }>
  >;
}

export interface PlanNode {
  readonly id: string;
  readonly op: string;
  readonly inputs: readonly string[];
  readonly attrs: Readonly<Record<string, unknown>>;
  readonly type: { readonly shape: readonly number[] };
}

/** A part of what one sample hands in, gets out or keeps. */
export interface PlanField {
  readonly name: string;
  readonly shape: readonly number[];
  readonly format: PlanFormat;
  /** Bytes from the start of the sample's part. */
  readonly offset: number;
  readonly bytes: number;
}

/** A graph as the native plan takes it. Lengths are bytes of one sample. */
export interface PlanProgram {
  readonly name: string;
  readonly inputs: readonly PlanField[];
  readonly outputs: readonly PlanField[];
  readonly states: readonly PlanField[];
  readonly inputBytes: number;
  readonly outputBytes: number;
  readonly stateBytes: number;
  /** Instructions; native/plan/program.h says how they read. */
  readonly code: Int32Array;
  /** Kernels and biases, which the plan packs and does not keep as they are. */
  readonly weights: Float32Array;
  readonly constants: Float32Array;
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
export const itemBytes = (format: PlanFormat): number =>
  format === 'float32' ? 4 : format === 'float16' ? 2 : 1;

import type { NdArray } from '@bidl/formats';
import type { OpName } from './ops/table.js';

/** How one element of a value is kept. Computation is always float32; the others are ways to hand values in or store them. */
export type ElementType = 'float32' | 'uint8' | 'float16';

/** What a value is, per sample: `[H, W, C]`, `[F]` or `[]`. The batch is no part of it. */
export interface ValueType {
  readonly shape: readonly number[];
  readonly dtype: ElementType;
}

export type AttributeValue = number | string | boolean | readonly number[];
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** One operation, and the value that it makes (always float32). */
export interface Node {
  /** Name of the value, unique among nodes, inputs and weights: `<layer>/<what>`. */
  readonly id: string;
  readonly op: OpName;
  /** Ids of earlier nodes, of graph inputs or of weights, in the order of the operation's table entry. */
  readonly inputs: readonly string[];
  readonly attrs: Attributes;
  readonly type: ValueType;
  /** The network's layer that this comes from; errors and pictures use it. */
  readonly layer: string;
}

/**
 * A variable that lives from one step to the next, one for each sample. Exactly one `load` reads it (as it was before
 * the step) and exactly one `save` sets it (seen from the next step on, rounded to `dtype`).
 */
export interface StateSlot {
  /** `<layer>/v`, `tempAdd`. */
  readonly key: string;
  readonly shape: readonly number[];
  /** Every element before the first step. */
  readonly initial: number;
  readonly dtype: 'float32' | 'float16';
}

export interface GraphInput {
  readonly name: string;
  readonly type: ValueType;
}

export interface GraphOutput {
  readonly name: string;
  /** Id of the value that is handed out. */
  readonly value: string;
}

/** One time step of a network as plain data: what executors run, passes rewrite and artifacts hold. */
export interface StepGraph {
  readonly format: 'bidl-step-graph';
  readonly version: 1;
  readonly name: string;
  /** Steps of one sample. */
  readonly timesteps: number;
  readonly inputs: readonly GraphInput[];
  readonly outputs: readonly GraphOutput[];
  /** In order of execution. */
  readonly nodes: readonly Node[];
  readonly states: readonly StateSlot[];
  readonly weights: Readonly<Record<string, NdArray<Float32Array>>>;
}

/** A graph, or something done with one, that breaks the rules. `problems` has every one that was found. */
export class GraphError extends Error {
  override readonly name = 'GraphError';
  constructor(
    message: string,
    readonly problems: readonly string[] = [message],
  ) {
    super(message);
  }
}

import type { ELEMENT_OPS, Lifetime, ListShape, Operand, WindowShape } from './code.js';
import type { PlanFormat } from './graph.js';

export type ElementOp = (typeof ELEMENT_OPS)[number];

/** Something that operations read: numbers known now, or memory. */
export interface Value {
  readonly name: string;
  readonly n: number;
  readonly constant?: Float32Array;
  readonly format: PlanFormat;
  /** Every number of it is 0 or 1. */
  readonly binary: boolean;
  /** Where it lies when it has a place of its own (inputs, states); else it gets one. */
  home?: Operand;
  /** The group that makes it. */
  group?: Group;
  life?: Lifetime;
  /** Read outside the group that makes it. */
  escapes: boolean;
  temporary?: number;
}

export interface Element {
  readonly op: ElementOp;
  readonly dst: Value[];
  readonly src: Value[];
}

export interface Synapse {
  readonly list: number;
  readonly window: WindowShape;
  readonly weights: number;
  readonly bias: number | undefined;
  dst: Value;
}

/** Largest or mean of each window; windows don't overlap and don't reach over the border. */
export interface PoolTail {
  readonly average: boolean;
  readonly window: WindowShape;
  readonly src: Value;
  readonly dst: Value;
}

/**
 * Element-wise operations of one size that run block by block, behind a synapse or on their own; what comes out may be
 * pooled and noted as spikes for the next synapse while it is still in the cache.
 */
export interface Group {
  readonly kind: 'group';
  readonly n: number;
  /** Length of the last axis. */
  readonly channels: number;
  readonly synapse?: Synapse;
  elements: Element[];
  pool?: PoolTail;
  spikes?: { readonly list: number; readonly src: Value };
}

export interface Find {
  readonly kind: 'find';
  readonly list: number;
  readonly src: Value;
}

export interface PoolInstruction extends PoolTail {
  readonly kind: 'pool';
}

export type Instruction =
  | Group
  | Find
  | PoolInstruction
  | { readonly kind: 'tile'; readonly src: Value; readonly dst: Value }
  | {
      readonly kind: 'groupedConv';
      readonly groups: number;
      readonly window: WindowShape;
      readonly weights: number;
      readonly bias: number | undefined;
      readonly src: Value;
      readonly dst: Value;
    };

/** A network as instructions over values that have no place yet. */
export interface Instructions {
  readonly instructions: Instruction[];
  readonly lists: readonly ListShape[];
}

/** What an instruction reads and writes, in the order in which it does; a group's value may be in both. */
export function valuesOf(instruction: Instruction): { readonly reads: Value[]; readonly writes: Value[] } {
  switch (instruction.kind) {
    case 'find':
      return { reads: [instruction.src], writes: [] };
    case 'pool':
    case 'tile':
    case 'groupedConv':
      return { reads: [instruction.src], writes: [instruction.dst] };
    case 'group': {
      const { synapse, elements, pool, spikes } = instruction;
      return {
        reads: [
          ...elements.flatMap(({ src }) => src),
          ...(pool ? [pool.src] : []),
          ...(spikes ? [spikes.src] : []),
        ],
        writes: [
          ...(synapse ? [synapse.dst] : []),
          ...elements.flatMap(({ dst }) => dst),
          ...(pool ? [pool.dst] : []),
        ],
      };
    }
  }
}

import type { ELEMENT_OPS, Lifetime, Operand, WindowShape } from './code.js';
import type { PlanFormat } from './graph.js';

export type ElementOp = (typeof ELEMENT_OPS)[number];

/** Something that operations read: numbers known now, or memory. */
export interface Value {
  readonly name: string;
  readonly n: number;
  readonly constant?: Float32Array;
  readonly format: PlanFormat;
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
  readonly dst: Value;
}

/** Element-wise operations of one size that run block by block, behind a synapse or on their own. */
export interface Group {
  readonly kind: 'group';
  readonly n: number;
  readonly channels: number;
  readonly synapse?: Synapse;
  elements: Element[];
}

export type Instruction =
  | Group
  | { readonly kind: 'find'; readonly list: number; readonly src: Value }
  | {
      readonly kind: 'pool';
      readonly average: boolean;
      readonly window: WindowShape;
      readonly src: Value;
      readonly dst: Value;
    }
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

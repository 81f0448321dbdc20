import { sizeOf } from '@bidl/formats';
import type { Node, StateSlot, StepGraph } from '../graph.js';
import { opSpec } from '../ops/table.js';

/** What a layer, or a whole graph, costs for one sample and one step. */
export interface Cost {
  readonly operations: number;
  /** Multiply-accumulates when no input is zero. */
  readonly macs: number;
  readonly parameters: number;
  readonly stateElements: number;
  readonly stateBytes: number;
}

export interface LayerCost extends Cost {
  readonly layer: string;
}

export interface GraphSummary {
  readonly layers: readonly LayerCost[];
  readonly total: Cost;
}

/** Bytes of one element of a state. */
export const stateItemSize = (dtype: StateSlot['dtype']): 2 | 4 => (dtype === 'float16' ? 2 : 4);

/** Multiply-accumulates of one node for one sample, at most. */
export function nodeMacs(node: Node, shapeOf: (id: string) => readonly number[]): number {
  const { macs } = opSpec(node.op);
  return macs ? macs(node.inputs.map(shapeOf), node.type.shape) : 0;
}

/** Shapes of all values of a graph, by id. */
export function shapesOf(graph: StepGraph): (id: string) => readonly number[] {
  const shapes = new Map<string, readonly number[]>();
  for (const { name, type } of graph.inputs) shapes.set(name, type.shape);
  for (const [name, { shape }] of Object.entries(graph.weights)) shapes.set(name, shape);
  for (const { id, type } of graph.nodes) shapes.set(id, type.shape);
  return (id) => shapes.get(id) ?? [];
}

const NOTHING: Cost = { operations: 0, macs: 0, parameters: 0, stateElements: 0, stateBytes: 0 };
const plus = (a: Cost, b: Cost): Cost => ({
  operations: a.operations + b.operations,
  macs: a.macs + b.macs,
  parameters: a.parameters + b.parameters,
  stateElements: a.stateElements + b.stateElements,
  stateBytes: a.stateBytes + b.stateBytes,
});

/** Cost of every layer, in order of execution. A weight counts for the layer that reads it first. */
export function summarize(graph: StepGraph): GraphSummary {
  const shapeOf = shapesOf(graph);
  const slots = new Map(graph.states.map((slot) => [slot.key, slot]));
  const layers = new Map<string, Cost>();
  const counted = new Set<string>();
  for (const node of graph.nodes) {
    const own = [...new Set(node.inputs)].filter(
      (id) => Object.hasOwn(graph.weights, id) && !counted.has(id),
    );
    own.forEach((id) => counted.add(id));
    const slot = node.op === 'load' ? slots.get(String(node.attrs.key)) : undefined;
    const elements = slot ? sizeOf(slot.shape) : 0;
    const cost: Cost = {
      operations: 1,
      macs: nodeMacs(node, shapeOf),
      parameters: own.reduce((n, id) => n + sizeOf(shapeOf(id)), 0),
      stateElements: elements,
      stateBytes: slot ? elements * stateItemSize(slot.dtype) : 0,
    };
    layers.set(node.layer, plus(layers.get(node.layer) ?? NOTHING, cost));
  }
  return {
    layers: [...layers].map(([layer, cost]) => ({ layer, ...cost })),
    total: [...layers.values()].reduce(plus, NOTHING),
  };
}

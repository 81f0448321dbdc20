import { KernelError } from '../errors.js';
import type { PlanGraph, PlanNode } from './graph.js';

/** When a step writes a state, and until when it needs the old one. */
export class StateUse {
  private readonly savedAt = new Map<string, number>();
  private readonly lastRead = new Map<string, number>();

  constructor(graph: PlanGraph) {
    const source = new Map<string, string>(); // value -> state whose old value it shows
    graph.nodes.forEach((node, i) => {
      for (const input of node.inputs) {
        const key = source.get(input);
        if (key !== undefined && node.op !== 'reshape') this.lastRead.set(key, i);
      }
      if (node.op === 'load') source.set(node.id, stateKey(node));
      if (node.op === 'reshape') {
        const key = source.get(node.inputs[0]);
        if (key !== undefined) source.set(node.id, key);
      }
      if (node.op === 'save') this.savedAt.set(stateKey(node), i);
    });
    for (const { value } of graph.outputs) {
      const key = source.get(value);
      if (key !== undefined) this.lastRead.set(key, Infinity);
    }
  }

  /** Whether the old state is still read when the new one has been written. */
  outlives(key: string): boolean {
    return (this.lastRead.get(key) ?? -1) > (this.savedAt.get(key) ?? Infinity);
  }
}

export const stateKey = (node: PlanNode): string => String(node.attrs['key']);

/** The place of the state that a node loads or saves. */
export function slotOf<T extends { readonly name: string }>(node: PlanNode, slots: readonly T[]): T {
  const key = stateKey(node);
  const slot = slots.find(({ name }) => name === key);
  if (!slot) throw new KernelError(`node "${node.id}": there is no state "${key}"`);
  return slot;
}

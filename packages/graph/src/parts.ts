import { checkGraph } from './check.js';
import type { Node, StepGraph, ValueType } from './graph.js';

/** A part of a graph as a graph of its own: its states come along, what other parts make becomes its inputs. */
export interface GraphPart {
  readonly name: string;
  readonly graph: StepGraph;
  /** For each input of the part's graph, the part (or network input) that makes it, and the value's id. */
  readonly sources: readonly { readonly part: string; readonly value: string }[];
}

/**
 * Cuts a graph into parts, in the order in which they first appear. Parts whose values nobody else uses are left out.
 *
 * @param partOf name of the part that a node goes to; load and save of a state must go to the same
 *
 * @example graphParts(graph, ({ layer }) => layer)
 */
export function graphParts(graph: StepGraph, partOf: (node: Node) => string): GraphPart[] {
  const nodesOf = new Map<string, Node[]>();
  const maker = new Map<string, string>();
  for (const node of graph.nodes) {
    const part = partOf(node);
    maker.set(node.id, part);
    nodesOf.set(part, [...(nodesOf.get(part) ?? []), node]);
  }
  const typeOf = new Map<string, ValueType>([
    ...graph.inputs.map(({ name, type }) => [name, type] as const),
    ...graph.nodes.map(({ id, type }) => [id, type] as const),
  ]);
  return [...nodesOf].flatMap(([name, nodes]) => {
    const own = new Set(nodes.map(({ id }) => id));
    const read = [...new Set(nodes.flatMap(({ inputs }) => inputs))];
    const given = read.flatMap((id) => {
      const type = own.has(id) ? undefined : typeOf.get(id);
      return type ? [{ name: id, type }] : [];
    });
    const used = new Set([
      ...graph.nodes.filter(({ id }) => !own.has(id)).flatMap(({ inputs }) => inputs),
      ...graph.outputs.map(({ value }) => value),
    ]);
    const made = nodes.filter(({ id }) => used.has(id));
    if (made.length === 0) return [];
    const keys = new Set(nodes.filter(({ op }) => op === 'load').map(({ attrs }) => attrs['key']));
    const alone: StepGraph = {
      ...graph,
      name: `${graph.name}/${name}`,
      inputs: given,
      outputs: made.map(({ id }) => ({ name: id, value: id })),
      nodes,
      states: graph.states.filter(({ key }) => keys.has(key)),
      weights: Object.fromEntries(Object.entries(graph.weights).filter(([id]) => read.includes(id))),
    };
    const sources = given.map(({ name: value }) => ({ part: maker.get(value) ?? value, value }));
    return [{ name, graph: checkGraph(alone), sources }];
  });
}

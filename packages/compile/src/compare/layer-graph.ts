import { checkGraph, type StepGraph, type ValueType } from '@bidl/graph';

/** One layer of a network as a graph of its own. */
export interface LayerGraph {
  readonly layer: string;
  readonly graph: StepGraph;
  /** For each input of the graph, the layer (or network input) that makes it, and the value's id. */
  readonly sources: readonly { readonly layer: string; readonly value: string }[];
}

/** The layers of a network, each cut out with its states: what comes from other layers becomes its inputs. */
export function layerGraphs(graph: StepGraph): LayerGraph[] {
  const layerOf = new Map(graph.nodes.map((node) => [node.id, node.layer]));
  const typeOf = new Map<string, ValueType>([
    ...graph.inputs.map(({ name, type }) => [name, type] as const),
    ...graph.nodes.map(({ id, type }) => [id, type] as const),
  ]);
  const layers = [...new Set(graph.nodes.map(({ layer }) => layer))];
  return layers.flatMap((layer) => {
    const nodes = graph.nodes.filter((node) => node.layer === layer);
    const own = new Set(nodes.map(({ id }) => id));
    const read = [...new Set(nodes.flatMap(({ inputs }) => inputs))];
    const given = read.filter((id) => !own.has(id) && typeOf.has(id));
    const used = new Set([
      ...graph.nodes.filter((node) => node.layer !== layer).flatMap(({ inputs }) => inputs),
      ...graph.outputs.map(({ value }) => value),
    ]);
    const made = nodes.filter(({ id }) => used.has(id));
    if (made.length === 0) return [];
    const keys = new Set(nodes.filter(({ op }) => op === 'load').map(({ attrs }) => attrs['key']));
    const alone: StepGraph = {
      ...graph,
      name: `${graph.name}/${layer}`,
      inputs: given.map((name) => ({ name, type: typeOf.get(name) ?? { shape: [], dtype: 'float32' } })),
      outputs: made.map(({ id }) => ({ name: id, value: id })),
      nodes,
      states: graph.states.filter(({ key }) => keys.has(key)),
      weights: Object.fromEntries(Object.entries(graph.weights).filter(([id]) => read.includes(id))),
    };
    const sources = given.map((value) => ({ layer: layerOf.get(value) ?? value, value }));
    return [{ layer, graph: checkGraph(alone), sources }];
  });
}

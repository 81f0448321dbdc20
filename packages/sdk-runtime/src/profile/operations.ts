import type { Node, StepGraph } from '@bidl/graph';

/** Operations that stand on their own; all others run element by element, in chains. */
const ALONE = new Set(['conv2d', 'dense', 'maxPool', 'avgPool', 'globalAvgPool', 'reshape']);

/**
 * Which operation each node belongs to: a synapse or a pooling alone, the element-wise nodes of a layer between those
 * together with the states that they keep. As the native plan has them: it never runs element-wise nodes one by one.
 */
export function operationsOf(graph: StepGraph): (node: Node) => string {
  const nodes = new Map(graph.nodes.map((node) => [node.id, node]));
  const ranks = ranksOf(graph, nodes);
  const rank = (id: string) => ranks.get(id) ?? 0;
  // A layer whose chains wait for each other can't be taken apart.
  const tangled = new Set(
    graph.nodes
      .filter(({ id, layer, inputs }) =>
        inputs.some((input) => nodes.get(input)?.layer === layer && rank(input) > rank(id)),
      )
      .map(({ layer }) => layer),
  );
  return ({ id, op, layer }) => {
    if (tangled.has(layer)) return layer;
    return ALONE.has(op) ? id : `${layer} ${rank(id)}`;
  };
}

/** For each node, how many of `ALONE` come before it in its layer, twice; one more for such a node itself. */
function ranksOf(graph: StepGraph, nodes: ReadonlyMap<string, Node>): Map<string, number> {
  const ranks = new Map<string, number>();
  for (const { id, op, layer, inputs } of graph.nodes) {
    const before = inputs
      .filter((input) => nodes.get(input)?.layer === layer)
      .map((input) => Math.ceil((ranks.get(input) ?? 0) / 2) * 2);
    ranks.set(id, Math.max(0, ...before) + (ALONE.has(op) ? 1 : 0));
  }
  // A state is loaded where it is saved, a constant made where it is first read.
  for (const { id, op, attrs, inputs } of graph.nodes) {
    if (op === 'load') {
      const save = graph.nodes.find((node) => node.op === 'save' && node.attrs['key'] === attrs['key']);
      ranks.set(id, ranks.get(save?.id ?? '') ?? 0);
    } else if (inputs.length === 0) {
      const readers = graph.nodes.filter((node) => node.inputs.includes(id));
      ranks.set(id, Math.min(...readers.map((node) => ranks.get(node.id) ?? 0)));
    }
  }
  return ranks;
}

import type { StepGraph } from '@bidl/graph';
import type { Pass } from './rewrite.js';

/**
 * Drops what no output depends on, in this step or a later one: nodes, weights, and states that only feed themselves.
 */
export const deadCode: Pass = (graph) => {
  const live = liveValues(graph);
  const nodes = graph.nodes.filter((node) => live.has(node.id));
  const keys = new Set(nodes.filter(({ op }) => op === 'load').map(({ attrs }) => attrs['key']));
  const weights = Object.entries(graph.weights).filter(([id]) => live.has(id));
  return {
    ...graph,
    nodes,
    states: graph.states.filter(({ key }) => keys.has(key)),
    weights: Object.fromEntries(weights),
  };
};

/** Ids of everything that an output needs. A state that is read needs what it is set to. */
function liveValues(graph: StepGraph): Set<string> {
  const nodes = new Map(graph.nodes.map((node) => [node.id, node]));
  const saves = new Map(
    graph.nodes.filter(({ op }) => op === 'save').map((node) => [node.attrs['key'], node.id]),
  );
  const live = new Set<string>();
  const waiting = graph.outputs.map(({ value }) => value);
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    if (live.has(id)) continue;
    live.add(id);
    const node = nodes.get(id);
    if (!node) continue;
    waiting.push(...node.inputs);
    const save = node.op === 'load' ? saves.get(node.attrs['key']) : undefined;
    if (save !== undefined) waiting.push(save);
  }
  return live;
}

import { deadCode } from './dead-code.js';
import { Rewrite, type Pass } from './rewrite.js';
import { scaleSynapse, synapseBehind } from './scale-synapse.js';

/**
 * BatchNorm behind a synapse, x·scale + shift, moves into the synapse's weights.
 *
 * Equal up to rounding. A norm behind a max-pooling stays where one of its factors is negative.
 */
export const foldSynapticNorm: Pass = (original) => {
  const graph = new Rewrite(original);
  for (const { id } of graph.list()) {
    const node = graph.get(id);
    if (node.op !== 'affine') continue;
    const [x, scaleId, shiftId] = node.inputs;
    const [scale, shift] = [graph.numbers(scaleId), graph.numbers(shiftId)];
    if (!scale || !shift) continue;
    const synapse = synapseBehind(graph, x, id, scale);
    if (!synapse) continue;
    scaleSynapse(graph, synapse, scale, shift);
    // What the synapse makes is now what the norm's layer made.
    for (let at = x; ; [at = x] = graph.get(at).inputs) {
      graph.moveTo(at, node.layer);
      if (at === synapse.node.id) break;
    }
    graph.bypass(id, x);
  }
  return deadCode(graph.done());
};

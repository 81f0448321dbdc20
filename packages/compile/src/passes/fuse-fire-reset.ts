import type { Node } from '@bidl/graph';
import { deadCode } from './dead-code.js';
import { Rewrite, type Pass } from './rewrite.js';

/**
 * Upstream's FIT: comparing and firing become one operation, resetting and leaking another.
 *
 *     gt(u − θ, 0)                      ->  fire(u; θ)
 *     α·blend(u > θ, v0, u) + β         ->  resetDecay(u, θ, v0, α, β)
 *
 * Equal to the bit. Like the chip's operations they take one threshold and one reset potential for a layer: neurons
 * with `channel_share` parameters stay as they are.
 */
export const fuseFireReset: Pass = (original) => {
  const graph = new Rewrite(original);
  for (const { id } of graph.list()) {
    const spike = spikeOf(graph, graph.get(id));
    if (!spike) continue;
    fuseLeaks(graph, id, spike);
    graph.replace(id, 'fire', [spike.u], { threshold: spike.threshold });
  }
  return deadCode(graph.done());
};

interface Spike {
  readonly u: string;
  readonly theta: string;
  readonly threshold: number;
}

/** Takes apart `gt(sub(u, θ), 0)`, with one θ for the layer. */
function spikeOf(graph: Rewrite, node: Node): Spike | undefined {
  if (node.op !== 'gt' || graph.scalar(node.inputs[1]) !== 0) return undefined;
  const over = graph.node(node.inputs[0]);
  if (over?.op !== 'sub') return undefined;
  const [u, theta] = over.inputs;
  const threshold = scalarOperand(graph, theta);
  return threshold === undefined || !graph.node(u) ? undefined : { u, theta, threshold };
}

function fuseLeaks(graph: Rewrite, spikeId: string, { u, theta }: Spike): void {
  for (const reset of graph.users(spikeId)) {
    if (reset.op !== 'blend' || reset.inputs[0] !== spikeId || reset.inputs[2] !== u) continue;
    const v0 = reset.inputs[1];
    if (scalarOperand(graph, v0) === undefined) continue;
    for (const product of graph.users(reset.id)) {
      if (product.op !== 'mul') continue;
      const alpha = other(product, reset.id);
      if (alpha === undefined || graph.numbers(alpha) === undefined) continue;
      for (const leak of graph.users(product.id)) {
        if (leak.op !== 'add') continue;
        const beta = other(leak, product.id);
        if (beta === undefined || graph.numbers(beta) === undefined) continue;
        graph.replace(leak.id, 'resetDecay', [u, theta, v0, alpha, beta]);
      }
    }
  }
}

/** One number for a whole layer: a constant or a weight of shape []. */
function scalarOperand(graph: Rewrite, id: string): number | undefined {
  const weight = graph.weight(id);
  return weight && weight.shape.length > 0 ? undefined : graph.scalar(id);
}

const other = ({ inputs: [a, b] }: Node, known: string): string | undefined =>
  a === known ? b : b === known ? a : undefined;

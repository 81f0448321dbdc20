import { gradients } from '../expression/gradient.js';
import { keeping, placesOfKept } from './kept.js';
import { both, type Independent, type Pass } from './pass.js';
import { nextStates, seedsOf, sumOf, type Trace } from './trace.js';

/**
 * The passes of a neuron that runs through all steps on its own: without BatchNorm, or with running statistics, whose
 * `scale` and `shift` are then parameters like any other.
 */
export function independentPasses(step: Trace, normLeaves: readonly string[] = []): Independent {
  const { graph, x, states, params } = step;
  const zero = graph.literal(0);
  const back = both((learn): Pass => {
    const norm = normLeaves.map((name) => graph.leaf(name));
    const summed = [...norm, graph.leaf('bias'), ...(learn ? params : [])];
    const found = gradients(graph, seedsOf(step), [x, ...states, ...summed]);
    return {
      stores: [
        ['dx', found.get(x) ?? zero],
        ...states.map((state, k) => [`dstate[${k}]`, found.get(state) ?? zero] as const),
      ],
      sums: summed.flatMap((leaf) => sumOf(leaf, found.get(leaf))),
    };
  });
  const kept = placesOfKept(back, x, states);
  return {
    step: { stores: [['out', step.out], ...nextStates(step)], sums: [] },
    remember: { stores: [...keeping(kept), ...nextStates(step)], sums: [] },
    back: [
      { ...back[0], kept },
      { ...back[1], kept },
    ],
    kept: kept.size,
  };
}

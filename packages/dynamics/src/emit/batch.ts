import type { Expression } from '../expression/expression.js';
import { gradients, reachable } from '../expression/gradient.js';
import type { NeuronDefinition } from '../neuron.js';
import type { Surrogate } from '../surrogates/surrogate.js';
import { keeping, placesOfKept } from './kept.js';
import { both, NotFusableError, type Batch, type Pass } from './pass.js';
import { affine, nextStates, seedsOf, sumOf, trace, type Trace } from './trace.js';

/** A step cut at the value that is normalised. */
interface Cut {
  readonly step: Trace;
  /** The value, as it is computed from the input and the states. */
  readonly s: Expression;
  /** What the rest of the step makes of it once the statistics are known: the leaf `s`, normalised. */
  readonly normed: Expression;
}

function cut(neuron: NeuronDefinition, surrogate: Surrogate, hasNorm: boolean): Cut {
  const found: Omit<Cut, 'step'>[] = [];
  const step = trace(neuron, surrogate, (graph) => {
    const divide = (s: Expression): Expression => {
      const normed = affine(graph, graph.leaf('s'));
      found.push({ s, normed });
      return normed;
    };
    return {
      norm: divide,
      perturb: (u) => {
        const normed = hasNorm ? u : divide(u);
        if (normed !== found[0]?.normed)
          throw new NotFusableError('its step uses perturb on something else than the result of norm');
        return graph.operation('add', normed, graph.leaf('noise'));
      },
    };
  });
  const [first] = found;
  if (first === undefined) throw new NotFusableError('its step has neither norm nor perturb');
  return { step, ...first };
}

/** The passes of a neuron whose value at `norm` (or, without one, at `perturb`) needs sums over the whole layer. */
export function batchPasses(neuron: NeuronDefinition, surrogate: Surrogate, hasNorm: boolean): Batch {
  const { step, s, normed } = cut(neuron, surrogate, hasNorm);
  const { graph, x, states } = step;
  const inAfter = new Set(reachable([step.out, ...step.next]));
  const carried = states.map((state) => inAfter.has(state));
  const backAfter = both((learn) => backThroughAfter(step, normed, carried, inAfter.has(x), learn));
  const backBefore = both((learn) => backThroughBefore(step, s, carried, inAfter.has(x), learn));
  const kept = placesOfKept([...backAfter, ...backBefore], x, states);
  const needsS = (node: Expression) => reachable([node]).includes(graph.leaf('s'));
  const deviation = graph.operation('sub', s, graph.leaf('mean'));
  const reading = (pass: Pass): Pass => ({ ...pass, kept });
  return {
    before: {
      stores: [['s', s], ...keeping(kept).filter(([, node]) => !needsS(node))],
      sums: [
        ['shift', deviation],
        ['scale', graph.operation('mul', deviation, deviation)],
      ],
    },
    after: {
      stores: [['out', step.out], ...keeping(kept).filter(([, node]) => needsS(node)), ...nextStates(step)],
      sums: [],
    },
    backAfter: [reading(backAfter[0]), reading(backAfter[1])],
    backBefore: [reading(backBefore[0]), reading(backBefore[1])],
    kept: kept.size,
    carried,
  };
}

/** (s − mean) / σ: what BatchNorm's own gradient needs. */
function hat({ graph }: Trace): Expression {
  const centred = graph.operation('sub', graph.leaf('s'), graph.leaf('mean'));
  return graph.operation('mul', centred, graph.leaf('inv'));
}

/** From the gradients of the output and of the next states to `du`, that of the normalised value. */
function backThroughAfter(
  step: Trace,
  normed: Expression,
  carried: readonly boolean[],
  readsX: boolean,
  learn: boolean,
): Pass {
  const { graph, x, states, params } = step;
  const zero = graph.literal(0);
  const summed = [graph.leaf('bias'), ...(learn ? params : [])];
  const found = gradients(graph, seedsOf(step), [normed, x, ...states, ...summed]);
  const du = found.get(normed) ?? zero;
  const parts: [string, Expression, boolean][] = [
    ['dx_part', x, readsX],
    ...states.map((state, k): [string, Expression, boolean] => [`dstate[${k}]`, state, carried[k] === true]),
  ];
  return {
    stores: [
      ['du', du],
      ...parts.flatMap(([name, leaf, isRead]) => (isRead ? [[name, found.get(leaf) ?? zero] as const] : [])),
    ],
    sums: [
      ['shift', du],
      ['scale', graph.operation('mul', du, hat(step))],
      ...summed.flatMap((leaf) => sumOf(leaf, found.get(leaf))),
    ],
  };
}

/** Through BatchNorm itself, with the sums of `du` over the layer, to the input and the states before the step. */
function backThroughBefore(
  step: Trace,
  s: Expression,
  carried: readonly boolean[],
  readsX: boolean,
  learn: boolean,
): Pass {
  const { graph, x, states, params } = step;
  const summed = [graph.leaf('bias'), ...(learn ? params : [])];
  const centred = graph.operation('sub', graph.leaf('du'), graph.leaf('mean_du'));
  const along = graph.operation('mul', hat(step), graph.leaf('mean_dot'));
  const ds = graph.operation('mul', graph.leaf('scale'), graph.operation('sub', centred, along));
  const found = gradients(graph, [[s, ds]], [x, ...states, ...summed]);
  /** A leaf's gradient; where `after` reads the leaf too, with the share that lies at `part`. */
  const whole = (leaf: Expression, hasPart: boolean, part: string): Expression => {
    const gradient = found.get(leaf);
    if (!hasPart) return gradient ?? graph.literal(0);
    return gradient ? graph.operation('add', graph.leaf(part), gradient) : graph.leaf(part);
  };
  return {
    stores: [
      ['dx', whole(x, readsX, 'dx_part')],
      ...states.map(
        (state, k) => [`dstate[${k}]`, whole(state, carried[k] === true, `dstate[${k}]`)] as const,
      ),
    ],
    sums: summed.flatMap((leaf) => sumOf(leaf, found.get(leaf))),
  };
}

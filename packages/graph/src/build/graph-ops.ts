import type { NeuronDefinition, Ops, Surrogate } from '@bidl/dynamics';
import type { OpName } from '../ops/table.js';
import type { GraphBuilder, ValueRef } from './builder.js';

/** BatchNorm with its statistics folded: `x · scale + shift`, one value for each channel. */
export interface FoldedNorm {
  readonly scale: ValueRef;
  readonly shift: ValueRef;
}

export interface GraphOpsOptions {
  /** What fires. Default: 1 where x > `threshold`. */
  readonly surrogate?: Surrogate;
  /** Threshold of the spike where no surrogate is given. Default 0. */
  readonly threshold?: number;
  /** What `norm` stands for. Default: the identity. */
  readonly norm?: FoldedNorm;
}

/**
 * {@link Ops} over values of a graph: a neuron's step read with these operations becomes nodes of `layer`.
 * Training noise is left out.
 */
export function graphOps(
  builder: GraphBuilder,
  layer: string,
  { surrogate, threshold = 0, norm }: GraphOpsOptions = {},
): Ops<ValueRef> {
  const op =
    (name: OpName) =>
    (...operands: ValueRef[]) =>
      builder.node(name, operands, {}, { layer });
  const constants = new Map<number, ValueRef>();
  const ops: Ops<ValueRef> = {
    constant(value) {
      const known = constants.get(value);
      if (known) return known;
      const made = builder.constant(value, { layer });
      constants.set(value, made);
      return made;
    },
    add: op('add'),
    sub: op('sub'),
    mul: op('mul'),
    div: op('div'),
    neg: op('neg'),
    abs: op('abs'),
    exp: op('exp'),
    tanh: op('tanh'),
    sigmoid: op('sigmoid'),
    relu: op('relu'),
    atan: op('atan'),
    gt: op('gt'),
    sign: op('sign'),
    blend: op('blend'),
    fire: (x) => (surrogate ? surrogate.forward(ops, x) : ops.gt(x, ops.constant(threshold))),
    norm: (x) => (norm ? builder.node('affine', [x, norm.scale, norm.shift], {}, { layer }) : x),
    perturb: (x) => x,
  };
  return ops;
}

/**
 * One step of a neuron as nodes of `layer`: its states become slots `<layer>/<variable>` of the shape of `x`,
 * loaded before and saved after.
 *
 * @param params by the neuron's names; values of the graph (weights, as a rule)
 * @returns the neuron's output
 */
export function traceNeuron(
  builder: GraphBuilder,
  layer: string,
  neuron: NeuronDefinition,
  x: ValueRef,
  params: Readonly<Record<string, ValueRef>>,
  options: GraphOpsOptions = {},
): ValueRef {
  const { shape } = x.type;
  const before = Object.fromEntries(
    Object.entries(neuron.state).map(([name, initial]) => [
      name,
      builder.load({ key: `${layer}/${name}`, shape, initial }, { layer, what: `load_${name}` }),
    ]),
  );
  const ops = graphOps(builder, layer, options);
  const { out, state } = neuron.step(ops, x, before, params);
  for (const name of Object.keys(neuron.state)) {
    const next = state[name];
    // A state that is set to a scalar or to one value per channel still fills its slot: 0 (x > x) plus that value.
    const full =
      next.type.shape.length === shape.length ? next : ops.add(ops.gt(before[name], before[name]), next);
    builder.save(`${layer}/${name}`, full, { layer, what: `save_${name}` });
  }
  return out;
}

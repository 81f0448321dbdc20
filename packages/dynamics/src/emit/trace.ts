import { expressionOps, Expressions, type Expression } from '../expression/expression.js';
import type { NeuronDefinition } from '../neuron.js';
import type { Surrogate } from '../surrogates/surrogate.js';
import { NotFusableError } from './pass.js';

/** A neuron's step as expressions. */
export interface Trace {
  readonly graph: Expressions;
  /** The synapse's output; the step gets it with the synapse's bias added. */
  readonly x: Expression;
  readonly states: readonly Expression[];
  readonly params: readonly Expression[];
  readonly out: Expression;
  /** The next states, in the order of `states`. */
  readonly next: readonly Expression[];
}

/** What the places for BatchNorm and noise stand for. Default: nothing. */
export interface Hooks {
  readonly norm?: (x: Expression) => Expression;
  readonly perturb?: (x: Expression) => Expression;
}

/** Reads a neuron's step as expressions. */
export function trace(
  neuron: NeuronDefinition,
  surrogate: Surrogate,
  hooks: (graph: Expressions) => Hooks,
): Trace {
  const graph = new Expressions();
  const ops = { ...expressionOps(graph, surrogate), ...hooks(graph) };
  const leaves = (kind: string, record: Readonly<Record<string, number>>) =>
    Object.fromEntries(Object.keys(record).map((name, k) => [name, graph.leaf(`${kind}[${k}]`)]));
  const states = leaves('state', neuron.state);
  const params = leaves('param', neuron.params);
  const x = graph.leaf('x');
  const { out, state } = neuron.step(ops, graph.operation('add', x, graph.leaf('bias')), states, params);
  const next = Object.keys(neuron.state).map((name) => {
    const value = state[name];
    if (value === undefined) throw new NotFusableError(`its step gives no next "${name}"`);
    return value;
  });
  return { graph, x, states: Object.values(states), params: Object.values(params), out, next };
}

/** (s − mean)·scale + shift. */
export function affine(graph: Expressions, s: Expression): Expression {
  const centred = graph.operation('sub', s, graph.leaf('mean'));
  return graph.operation('add', graph.operation('mul', centred, graph.leaf('scale')), graph.leaf('shift'));
}

/** The values of a step with the gradients that reach them. */
export const seedsOf = ({ graph, out, next }: Trace): (readonly [Expression, Expression])[] => [
  [out, graph.leaf('dout')],
  ...next.map((value, k) => [value, graph.leaf(`dstate[${k}]`)] as const),
];

/** Stores of the next states, where a step changes them. */
export const nextStates = ({ states, next }: Trace): (readonly [string, Expression])[] =>
  next.flatMap((value, k) => (value === states[k] ? [] : [[`state[${k}]`, value] as const]));

/** A leaf's gradient as a sum over the channel, where it has one. */
export const sumOf = (
  leaf: Expression,
  gradient: Expression | undefined,
): (readonly [string, Expression])[] => (gradient && leaf.kind === 'leaf' ? [[leaf.name, gradient]] : []);

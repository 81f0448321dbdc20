import type { Ops } from '../ops.js';
import { SCALAR, type ScalarFunction, type ScalarOperation } from '../reference/scalar.js';
import type { Surrogate } from '../surrogates/surrogate.js';

/**
 * What an operation node does. `fire` has the operands (x, spike, slope): its value is the second, its derivative in x
 * the third.
 */
export type Operation = ScalarOperation | 'blend' | 'fire';

/** A value of one time step: one number for each neuron. Operands come before the nodes that use them. */
export type Expression =
  /** Comes from outside: an input, a state, a parameter, a gradient. */
  | { readonly kind: 'leaf'; readonly id: number; readonly name: string }
  /** A number that the definition gives. A kernel takes it as an argument, so that it serves all such numbers. */
  | { readonly kind: 'constant'; readonly id: number; readonly slot: number }
  /** A number that differentiation brings, part of the kernel. */
  | { readonly kind: 'literal'; readonly id: number; readonly value: number }
  | {
      readonly kind: 'operation';
      readonly id: number;
      readonly operation: Operation;
      readonly operands: readonly Expression[];
    };

/** The operands that a node's value is computed from. */
export const inputsOf = (node: Expression): readonly Expression[] =>
  node.kind !== 'operation' ? [] : node.operation === 'fire' ? node.operands.slice(1, 2) : node.operands;

/** Whether a node is 0 or 1 because a comparison says so. */
export function isMask(node: Expression): boolean {
  if (node.kind !== 'operation') return false;
  const [a, b] = inputsOf(node);
  if (node.operation === 'gt') return true;
  if (a === undefined) return false;
  if (node.operation === 'fire') return isMask(a);
  if (b === undefined || !isMask(b)) return false;
  return node.operation === 'mul' ? isMask(a) : node.operation === 'sub' && isLiteral(a, 1);
}

/** Whether a node is this number, by differentiation. */
export const isLiteral = (node: Expression, value: number): boolean =>
  node.kind === 'literal' && node.value === value;

/**
 * A builder of expressions: equal ones are one node, and what is computed from constants alone is a constant. Nothing
 * depends on a constant's value, so definitions that differ in numbers only give the same nodes.
 */
export class Expressions {
  /** The constants' values, rounded to float32, by slot. */
  readonly constants: number[] = [];
  private readonly known = new Map<string, Expression>();
  private count = 0;

  leaf(name: string): Expression {
    return this.share(`leaf ${name}`, (id) => ({ kind: 'leaf', id, name }));
  }

  literal(value: number): Expression {
    return this.share(`literal ${value}`, (id) => ({ kind: 'literal', id, value }));
  }

  constant(value: number): Expression {
    const slot = this.constants.push(Math.fround(value)) - 1;
    return { kind: 'constant', id: this.count++, slot };
  }

  operation(operation: Operation, ...operands: Expression[]): Expression {
    if (operation !== 'blend' && operation !== 'fire' && operands.every((x) => x.kind === 'constant')) {
      const { f }: ScalarFunction = SCALAR[operation];
      return this.constant(f(...operands.map((x) => this.constants[x.slot] ?? NaN)));
    }
    return this.share(`${operation} ${operands.map((x) => x.id).join(' ')}`, (id) => ({
      kind: 'operation',
      id,
      operation,
      operands,
    }));
  }

  private share(key: string, make: (id: number) => Expression): Expression {
    const known = this.known.get(key);
    if (known) return known;
    const made = make(this.count++);
    this.known.set(key, made);
    return made;
  }
}

/** {@link Ops} over expressions: a neuron's step read with these operations becomes a graph. */
export function expressionOps(graph: Expressions, surrogate: Surrogate): Ops<Expression> {
  const pointwise = Object.fromEntries(
    Object.keys(SCALAR).map((name) => [
      name,
      (...operands: Expression[]) => graph.operation(name as ScalarOperation, ...operands),
    ]),
  ) as Pick<Ops<Expression>, ScalarOperation>;
  const ops: Ops<Expression> = {
    ...pointwise,
    constant: (value) => graph.constant(value),
    blend: (s, a, b) => graph.operation('blend', s, a, b),
    fire: (x) => graph.operation('fire', x, surrogate.forward(ops, x), surrogate.derivative(ops, x)),
    norm: (x) => x,
    perturb: (x) => x,
  };
  return ops;
}

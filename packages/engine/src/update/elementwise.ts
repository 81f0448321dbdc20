/**
 * Arithmetic on every element alike. Formulas are written over it, so that one text runs as tensor operations on any
 * backend and is recorded as a program for the fused kernel. `V` stands for an array; the second and third operands
 * may be numbers.
 */
export interface Elementwise<V> {
  add(a: V, b: V | number): V;
  sub(a: V, b: V | number): V;
  mul(a: V, b: V | number): V;
  div(a: V, b: V | number): V;
  max(a: V, b: V | number): V;
  min(a: V, b: V | number): V;
  sqrt(a: V): V;
  abs(a: V): V;
  /** -1, 0 or 1. */
  sign(a: V): V;
  neg(a: V): V;
  square(a: V): V;
  /** `a` where `condition` is above 0, else `b`. */
  select(condition: V, a: V | number, b: V | number): V;
  /** s·a + t·b, for instance a running mean or one step along a direction. */
  combine(s: number, a: V, t: number, b: V): V;
}

/** Arrays by name. */
export type Arrays<V> = Readonly<Record<string, V>>;

/**
 * New arrays from old ones, element by element; pure. What it does may depend on numbers of its own, never on the
 * arrays' values.
 */
export type Formula = <V>(o: Elementwise<V>, arrays: Arrays<V>) => Arrays<V>;

/** What an {@link Elementwise} is made of. */
export type Operation =
  'add' | 'sub' | 'mul' | 'div' | 'max' | 'min' | 'sqrt' | 'abs' | 'sign' | 'select' | 'combine';

/** The algebra over whatever `apply` computes with. */
export function elementwise<V>(
  apply: (operation: Operation, a: V, ...more: readonly (V | number)[]) => V,
): Elementwise<V> {
  return {
    add: (a, b) => apply('add', a, b),
    sub: (a, b) => apply('sub', a, b),
    mul: (a, b) => apply('mul', a, b),
    div: (a, b) => apply('div', a, b),
    max: (a, b) => apply('max', a, b),
    min: (a, b) => apply('min', a, b),
    sqrt: (a) => apply('sqrt', a),
    abs: (a) => apply('abs', a),
    sign: (a) => apply('sign', a),
    neg: (a) => apply('mul', a, -1),
    square: (a) => apply('mul', a, a),
    select: (condition, a, b) => apply('select', condition, a, b),
    combine: (s, a, t, b) => apply('combine', a, b, s, t),
  };
}

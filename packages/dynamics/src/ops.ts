/**
 * The algebra in which every neuron and surrogate is written.
 *
 * `T` is whatever an interpreter computes with: float32 arrays (the reference), tensors (the composed, trainable
 * form), nodes of a graph (the compiler), or expressions of C++ source (fused kernels). A definition that uses
 * only these operations therefore runs in all of them, with the same meaning.
 *
 * Operands broadcast: a scalar, or one value per channel (last axis), goes with a whole layer.
 */
export interface Ops<T> {
  /** The number `value`, rounded to the interpreter's precision. */
  constant(value: number): T;
  add(a: T, b: T): T;
  sub(a: T, b: T): T;
  mul(a: T, b: T): T;
  div(a: T, b: T): T;
  neg(x: T): T;
  abs(x: T): T;
  exp(x: T): T;
  tanh(x: T): T;
  /** 1 / (1 + e^-x). */
  sigmoid(x: T): T;
  relu(x: T): T;
  atan(x: T): T;
  /** 1 where a > b, else 0. Has no gradient. */
  gt(a: T, b: T): T;
  /** Sign of x: -1, 0 or 1. Has no gradient. */
  sign(x: T): T;
  /**
   * s·a + (1 − s)·b; for a spike s in {0, 1} exactly `a` or `b`.
   * Gradients: s to a, 1 − s to b, a − b to s: that is how a reset lets the gradient through.
   */
  blend(s: T, a: T, b: T): T;
  /** The spike: the surrogate's forward function, with the surrogate's derivative as gradient. */
  fire(overThreshold: T): T;
  /** BatchNorm inside the recurrence; the identity for neurons without one. */
  norm(x: T): T;
  /** Training noise on the membrane, through which the gradient passes unchanged; the identity otherwise. */
  perturb(x: T): T;
}

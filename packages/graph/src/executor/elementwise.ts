import type { Attributes } from '../graph.js';
import type { OpName } from '../ops/table.js';

/** Computes a node into its buffer from the buffers of its operands. */
export type Kernel = () => void;

type Numbers = Float32Array;
const { fround: f32, exp, max } = Math;

// Every function below gives its result in double from float32 operands and is rounded once, when it is stored:
// for + - * / that is the correctly rounded float32 result.
const UNARY: Partial<Record<OpName, (x: number) => number>> = {
  neg: (x) => -x,
  abs: Math.abs,
  exp,
  tanh: Math.tanh,
  sigmoid: (x) => 1 / (1 + exp(-x)),
  relu: (x) => max(x, 0),
  atan: Math.atan,
  sign: Math.sign,
};

const BINARY: Partial<Record<OpName, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  gt: (a, b) => (a > b ? 1 : 0),
};

const TERNARY: Partial<Record<OpName, (a: number, b: number, c: number) => number>> = {
  blend: (s, a, b) => (s === 1 ? a : s === 0 ? b : f32(s * a) + f32(f32(1 - s) * b)),
  affine: (x, scale, shift) => f32(x * scale) + shift,
};

function unary(f: (x: number) => number, out: Numbers, x: Numbers): Kernel {
  return () => {
    for (let i = 0; i < out.length; i++) out[i] = f(x[i]);
  };
}

/** Operands shorter than the result repeat: a scalar everywhere, one value per channel along the last axis. */
function binary(f: (a: number, b: number) => number, out: Numbers, a: Numbers, b: Numbers): Kernel {
  return () => {
    const { length } = out;
    for (let i = 0, ia = 0, ib = 0; i < length; i++) {
      out[i] = f(a[ia], b[ib]);
      if (++ia === a.length) ia = 0;
      if (++ib === b.length) ib = 0;
    }
  };
}

function ternary(
  f: (a: number, b: number, c: number) => number,
  out: Numbers,
  [a, b, c]: readonly Numbers[],
): Kernel {
  return () => {
    const { length } = out;
    for (let i = 0, ia = 0, ib = 0, ic = 0; i < length; i++) {
      out[i] = f(a[ia], b[ib], c[ic]);
      if (++ia === a.length) ia = 0;
      if (++ib === b.length) ib = 0;
      if (++ic === c.length) ic = 0;
    }
  };
}

function resetDecay(out: Numbers, [x, theta, v0, alpha, beta]: readonly Numbers[]): Kernel {
  return () => {
    for (let i = 0; i < out.length; i++) {
      const u = x[i % x.length];
      const kept = u > theta[i % theta.length] ? v0[i % v0.length] : u;
      out[i] = f32(alpha[i % alpha.length] * kept) + beta[i % beta.length];
    }
  };
}

/** The kernel of an elementwise operation, or undefined for any other. */
export function elementwiseKernel(
  op: OpName,
  out: Numbers,
  inputs: readonly Numbers[],
  attrs: Attributes,
): Kernel | undefined {
  const [a, b] = inputs;
  const one = UNARY[op];
  if (one) return unary(one, out, a);
  const two = BINARY[op];
  if (two) return binary(two, out, a, b);
  const three = TERNARY[op];
  if (three) return ternary(three, out, inputs);
  if (op === 'resetDecay') return resetDecay(out, inputs);
  if (op === 'fire') {
    const threshold = f32(attrs.threshold as number);
    return unary((x) => (x > threshold ? 1 : 0), out, a);
  }
  return undefined;
}

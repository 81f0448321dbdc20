/** What an operation computes of one value of each operand, and its derivative in each of them (none: no gradient). */
export interface ScalarFunction {
  readonly f: (...x: number[]) => number;
  readonly slopes: readonly ((...x: number[]) => number)[];
}

const one = () => 1;
const logistic = (x: number) => 1 / (1 + Math.exp(-x));

/** The pointwise operations in plain numbers; whoever needs float32 rounds their results. */
export const SCALAR = {
  add: { f: (x, y) => x + y, slopes: [one, one] },
  sub: { f: (x, y) => x - y, slopes: [one, () => -1] },
  mul: { f: (x, y) => x * y, slopes: [(_, y) => y, (x) => x] },
  div: { f: (x, y) => x / y, slopes: [(_, y) => 1 / y, (x, y) => -x / (y * y)] },
  neg: { f: (x) => -x, slopes: [() => -1] },
  abs: { f: (x) => Math.abs(x), slopes: [(x) => Math.sign(x)] },
  exp: { f: (x) => Math.exp(x), slopes: [(x) => Math.exp(x)] },
  tanh: { f: (x) => Math.tanh(x), slopes: [(x) => 1 - Math.tanh(x) ** 2] },
  sigmoid: { f: logistic, slopes: [(x) => logistic(x) * (1 - logistic(x))] },
  relu: { f: (x) => Math.max(x, 0), slopes: [(x) => (x > 0 ? 1 : 0)] },
  atan: { f: (x) => Math.atan(x), slopes: [(x) => 1 / (1 + x * x)] },
  gt: { f: (x, y) => (x > y ? 1 : 0), slopes: [] },
  sign: { f: (x) => Math.sign(x), slopes: [] },
} as const satisfies Readonly<Record<string, ScalarFunction>>;

export type ScalarOperation = keyof typeof SCALAR;

import type { Ops } from '../ops.js';
import type { Surrogate } from '../surrogates/surrogate.js';
import { SCALAR, type ScalarFunction, type ScalarOperation } from './scalar.js';

export type Precision = 'float32' | 'float64';
type Numbers = Float32Array | Float64Array;

/**
 * A value of the reference interpreter: one number for each neuron of a layer at one time step (channels last),
 * one for each channel, or a single number. `grad` collects the derivative of the loss in float64.
 */
export class Value {
  grad: Float64Array | undefined;
  constructor(readonly data: Numbers) {}

  gradient(): Float64Array {
    return (this.grad ??= new Float64Array(this.data.length));
  }
}

/** BatchNorm over one time step: batch statistics when `training`, running statistics otherwise. */
export interface ArrayNorm {
  readonly gamma: Value;
  readonly beta: Value;
  readonly epsilon: number;
  readonly training: boolean;
  /** Running statistics, advanced in place once per application when training (torch's convention). */
  readonly mean: Float64Array;
  readonly variance: Float64Array;
  readonly momentum: number;
}

export interface ArrayOpsOptions {
  readonly precision?: Precision;
  readonly surrogate: Surrogate;
  readonly norm?: ArrayNorm;
  /** Replace the spike by the surrogate's primitive: a smooth network whose gradient is a true derivative. */
  readonly smooth?: boolean;
}

/** {@link Ops} over {@link Value}, with the tape to run backwards. */
export interface ArrayOps extends Ops<Value> {
  value(data: ArrayLike<number>): Value;
  /** Adds up gradients from `seeds` (value and its gradient) down to every value that led there. */
  backward(seeds: readonly (readonly [Value, ArrayLike<number>])[]): void;
}

const f32 = Math.fround;
const exact = (x: number) => x;

/**
 * The reference interpreter: plain numbers, a fixed order of operations, every operation rounded to the chosen
 * precision and none fused. What a fast kernel computes is right when it agrees with this.
 */
export function arrayOps({
  precision = 'float32',
  surrogate,
  norm,
  smooth = false,
}: ArrayOpsOptions): ArrayOps {
  const round = precision === 'float32' ? f32 : exact;
  const make = (n: number): Numbers => (precision === 'float32' ? new Float32Array(n) : new Float64Array(n));
  const tape: (() => void)[] = [];
  let recording = true;

  const value = (data: ArrayLike<number>): Value =>
    new Value(Object.assign(make(data.length), data) as Numbers);

  /** Applies `f` to broadcast operands; `slopes[k](...)` is the derivative in operand k. */
  function apply(
    operands: readonly Value[],
    f: (...x: number[]) => number,
    slopes: readonly ((...x: number[]) => number)[],
  ): Value {
    const n = Math.max(...operands.map((v) => v.data.length));
    const out = new Value(make(n));
    const at = (i: number) => operands.map((v) => v.data[i % v.data.length] ?? NaN);
    for (let i = 0; i < n; i++) out.data[i] = round(f(...at(i)));
    if (recording && slopes.length > 0) {
      tape.push(() => {
        const g = out.grad;
        if (!g) return;
        slopes.forEach((slope, k) => {
          const operand = operands[k];
          if (!operand) return;
          const into = operand.gradient();
          for (let i = 0; i < n; i++) {
            const j = i % into.length;
            into[j] = (into[j] ?? 0) + (g[i] ?? 0) * slope(...at(i));
          }
        });
      });
    }
    return out;
  }

  const pointwise = Object.fromEntries(
    Object.entries<ScalarFunction>(SCALAR).map(([name, { f, slopes }]) => [
      name,
      (...operands: Value[]) => apply(operands, f, slopes),
    ]),
  ) as Pick<Ops<Value>, ScalarOperation>;
  const base: Ops<Value> = {
    ...pointwise,
    constant: (v) => value([v]),
    blend: (s, a, b) =>
      apply([s, a, b], (p, x, y) => (p === 1 ? x : p === 0 ? y : round(p * x) + round(round(1 - p) * y)), [
        (_, x, y) => x - y,
        (p) => p,
        (p) => 1 - p,
      ]),
    fire: (x) => x,
    norm: (x) => x,
    perturb: (x) => x,
  };

  /** Runs `f` off the tape. */
  function untaped<R>(f: () => R): R {
    const before = recording;
    recording = false;
    try {
      return f();
    } finally {
      recording = before;
    }
  }

  function fire(x: Value): Value {
    if (smooth) {
      if (!surrogate.primitive) throw new Error(`surrogate "${surrogate.name}" has no smooth primitive`);
      return surrogate.primitive(base, x);
    }
    const out = untaped(() => surrogate.forward(base, x));
    const slope = untaped(() => surrogate.derivative(base, x));
    tape.push(() => {
      const g = out.grad;
      if (!g) return;
      const into = x.gradient();
      for (let i = 0; i < into.length; i++) {
        into[i] = (into[i] ?? 0) + (g[i] ?? 0) * (slope.data[i % slope.data.length] ?? NaN);
      }
    });
    return out;
  }

  const ops: Ops<Value> = norm ? { ...base, fire, norm: (x) => applyNorm(x, norm) } : { ...base, fire };

  /** BatchNorm of one step with each channel's statistics in float64, and its gradient. */
  function applyNorm(x: Value, n: ArrayNorm): Value {
    const channels = n.gamma.data.length;
    const count = x.data.length / channels;
    const mean = Float64Array.from(n.mean);
    const variance = Float64Array.from(n.variance);
    if (n.training) {
      mean.fill(0);
      variance.fill(0);
      x.data.forEach((v, i) => (mean[i % channels] += v / count));
      x.data.forEach((v, i) => (variance[i % channels] += (v - mean[i % channels]) ** 2 / count));
      for (let c = 0; c < channels; c++) {
        n.mean[c] = (1 - n.momentum) * n.mean[c] + n.momentum * mean[c];
        const unbiased = count > 1 ? (variance[c] * count) / (count - 1) : variance[c];
        n.variance[c] = (1 - n.momentum) * n.variance[c] + n.momentum * unbiased;
      }
    }
    const scale = variance.map((v) => 1 / Math.sqrt(v + n.epsilon));
    const hat = Float64Array.from(x.data, (v, i) => (v - mean[i % channels]) * scale[i % channels]);
    const out = new Value(make(x.data.length));
    hat.forEach((h, i) => (out.data[i] = n.gamma.data[i % channels] * h + n.beta.data[i % channels]));
    tape.push(() => {
      const g = out.grad;
      if (!g) return;
      const sum = new Float64Array(channels);
      const dot = new Float64Array(channels);
      g.forEach((v, i) => {
        sum[i % channels] += v;
        dot[i % channels] += v * hat[i];
      });
      const [dGamma, dBeta, dx] = [n.gamma.gradient(), n.beta.gradient(), x.gradient()];
      for (let c = 0; c < channels; c++) {
        dGamma[c] += dot[c];
        dBeta[c] += sum[c];
      }
      g.forEach((v, i) => {
        const c = i % channels;
        const centred = n.training ? v - sum[c] / count - (hat[i] * dot[c]) / count : v;
        dx[i] += n.gamma.data[c] * scale[c] * centred;
      });
    });
    return out;
  }

  return {
    ...ops,
    value,
    backward(seeds) {
      for (const [target, gradient] of seeds) {
        const into = target.gradient();
        for (let i = 0; i < into.length; i++) into[i] = (into[i] ?? 0) + (gradient[i] ?? 0);
      }
      for (const step of tape.reverse()) step();
      tape.length = 0;
    },
  };
}

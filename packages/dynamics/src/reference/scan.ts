import type { NeuronDefinition } from '../neuron.js';
import type { Surrogate } from '../surrogates/surrogate.js';
import { arrayOps, type ArrayNorm, type Precision, Value } from './array-ops.js';

export interface ReferenceNorm {
  readonly gamma: ArrayLike<number>;
  readonly beta: ArrayLike<number>;
  readonly mean: ArrayLike<number>;
  readonly variance: ArrayLike<number>;
  readonly epsilon?: number;
  readonly momentum?: number;
}

export interface ReferenceScanArgs {
  /** One layer's input, `[B, T, N]` with channels last inside N. */
  readonly x: ArrayLike<number>;
  readonly batch: number;
  readonly steps: number;
  /** A single number or one per channel; missing ones take the neuron's default. */
  readonly params?: Readonly<Record<string, ArrayLike<number>>>;
  /** Initial state, `[B, N]` each; missing ones take the neuron's initial value. */
  readonly state?: Readonly<Record<string, ArrayLike<number>>>;
  readonly norm?: ReferenceNorm;
  readonly surrogate: Surrogate;
  readonly training?: boolean;
  readonly precision?: Precision;
  readonly smooth?: boolean;
}

export interface ReferenceGradients {
  /** `[B, T, N]`. */
  readonly x: Float64Array;
  readonly params: Readonly<Record<string, Float64Array>>;
  readonly state: Readonly<Record<string, Float64Array>>;
  readonly gamma?: Float64Array;
  readonly beta?: Float64Array;
}

export interface ReferenceScan {
  /** `[B, T, N]`. */
  readonly out: Float64Array;
  /** State after each step, `[T][B, N]`. */
  readonly trace: readonly Readonly<Record<string, Float64Array>>[];
  readonly running?: { readonly mean: Float64Array; readonly variance: Float64Array };
  /** Gradients of sum(out · dOut) + Σ sum(final state · dState). */
  backward(dOut: ArrayLike<number>, dState?: Readonly<Record<string, ArrayLike<number>>>): ReferenceGradients;
}

/** Copies step t of `[B, T, N]` into `[B, N]`. */
function stepOf(x: ArrayLike<number>, batch: number, steps: number, t: number): Float64Array {
  const n = x.length / (batch * steps);
  return Float64Array.from(
    { length: batch * n },
    (_, i) => x[(Math.floor(i / n) * steps + t) * n + (i % n)] ?? NaN,
  );
}

/** Turns `[T][B, N]` into `[B, T, N]`. */
function joinSteps(perStep: readonly ArrayLike<number>[], batch: number): Float64Array {
  const steps = perStep.length;
  const n = (perStep[0]?.length ?? 0) / batch;
  const out = new Float64Array(batch * steps * n);
  perStep.forEach((values, t) => {
    for (let b = 0; b < batch; b++) {
      for (let i = 0; i < n; i++) out[(b * steps + t) * n + i] = values[b * n + i] ?? NaN;
    }
  });
  return out;
}

/**
 * Runs a neuron over a whole sequence in plain numbers: the reference that every fast form is held against.
 * With `precision: 'float64'` its gradients serve as the truth for float32 kernels.
 */
export function referenceScan(neuron: NeuronDefinition, args: ReferenceScanArgs): ReferenceScan {
  const { batch, steps, surrogate, training = false, precision = 'float32', smooth = false } = args;
  const perSample = args.x.length / (batch * steps);
  const value = (data: ArrayLike<number>) =>
    new Value(precision === 'float32' ? Float32Array.from(data) : Float64Array.from(data));
  const fill = (v: number) => new Float64Array(batch * perSample).fill(v);
  const norm: ArrayNorm | undefined = args.norm && {
    gamma: value(args.norm.gamma),
    beta: value(args.norm.beta),
    mean: Float64Array.from(args.norm.mean),
    variance: Float64Array.from(args.norm.variance),
    epsilon: args.norm.epsilon ?? 1e-5,
    momentum: args.norm.momentum ?? 0.1,
    training,
  };
  const ops = arrayOps({ precision, surrogate, smooth, ...(norm && { norm }) });
  const params = Object.fromEntries(
    Object.entries(neuron.params).map(([k, v]) => [k, value(args.params?.[k] ?? [v])]),
  );
  const initial = Object.fromEntries(
    Object.entries(neuron.state).map(([k, v]) => [k, value(args.state?.[k] ?? fill(v))]),
  );
  const inputs = Array.from({ length: steps }, (_, t) => value(stepOf(args.x, batch, steps, t)));
  const outs: Value[] = [];
  const trace: Record<string, Value>[] = [];
  let state: Readonly<Record<string, Value>> = initial;
  for (const x of inputs) {
    const result = neuron.step(ops, x, state, params);
    state = result.state;
    outs.push(result.out);
    trace.push({ ...state });
  }
  const numbers = (record: Readonly<Record<string, Value>>, of: (v: Value) => Float64Array) =>
    Object.fromEntries(Object.entries(record).map(([k, v]) => [k, of(v)]));

  return {
    out: joinSteps(
      outs.map((o) => o.data),
      batch,
    ),
    trace: trace.map((s) => numbers(s, (v) => Float64Array.from(v.data))),
    ...(norm && { running: { mean: norm.mean, variance: norm.variance } }),
    backward(dOut, dState = {}) {
      ops.backward([
        ...outs.map((o, t) => [o, stepOf(dOut, batch, steps, t)] as const),
        ...Object.entries(dState).flatMap(([k, g]) => (state[k] ? [[state[k], g] as const] : [])),
      ]);
      return {
        x: joinSteps(
          inputs.map((v) => v.gradient()),
          batch,
        ),
        params: numbers(params, (v) => v.gradient()),
        state: numbers(initial, (v) => v.gradient()),
        ...(norm && { gamma: norm.gamma.gradient(), beta: norm.beta.gradient() }),
      };
    },
  };
}

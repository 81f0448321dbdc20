import type { FoldedNorm } from '@bidl/graph';
import type { tf } from '@bidl/engine';
import type { Scope } from './scope.js';

/** Trained statistics of a BatchNorm, `[C]` each. */
export interface NormNumbers {
  readonly gamma: ArrayLike<number> | undefined;
  readonly beta: ArrayLike<number> | undefined;
  readonly mean: ArrayLike<number>;
  readonly variance: ArrayLike<number>;
  readonly epsilon: number;
}

/**
 * BatchNorm in evaluation as x·scale + shift, computed in double and rounded once: scale = γ/√(σ² + ε),
 * shift = β − μ·scale.
 */
export function foldNorm(scope: Scope, { gamma, beta, mean, variance, epsilon }: NormNumbers): FoldedNorm {
  const scale = Array.from(mean, (_, c) => (gamma?.[c] ?? 1) / Math.sqrt((variance[c] ?? 1) + epsilon));
  const shift = scale.map((s, c) => (beta?.[c] ?? 0) - (mean[c] ?? 0) * s);
  return { scale: scope.numbers('norm/scale', scale), shift: scope.numbers('norm/shift', shift) };
}

/** Numbers of a layer's variable. */
export const numbersOf = (variable: tf.LayerVariable): ArrayLike<number> => variable.read().dataSync();

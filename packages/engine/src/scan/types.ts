import type { NeuronDefinition, Surrogate } from '@bidl/dynamics';
import type * as tf from '@tensorflow/tfjs';
import type { Norm, Running } from '../norm/types.js';

/** How a scan is computed: one fused kernel, or TensorFlow.js ops step by step. `auto` takes the first that fits. */
export type ScanForm = 'auto' | 'fused' | 'composed';

export interface StepArgs {
  readonly params: Readonly<Record<string, tf.Tensor>>;
  /** BatchNorm inside the recurrence, on input + membrane; batch statistics are those of every step. */
  readonly norm?: Norm;
  readonly surrogate: Surrogate;
}

export interface ScanArgs extends StepArgs {
  /** `[B, T, ..., C]`. */
  readonly x: tf.Tensor;
  /** Added to every x, `[C]`: a synapse's bias, which costs nothing here and a pass over memory elsewhere. */
  readonly bias?: tf.Tensor;
  /** State before the first step, `[B, ..., C]` each; left out: the neuron's initial values. */
  readonly state?: Readonly<Record<string, tf.Tensor>>;
  /** Batch statistics in `norm`, and noise. */
  readonly training: boolean;
  /** Standard deviation of the training noise, in units of the membrane's own spread. Default 0. */
  readonly noise?: number;
  /** Seed of the noise: the same gives the same noise, in every form. Default 0. */
  readonly seed?: number;
  /** Pool the output 2x2 by maxima, as `tf.maxPool(out, 2, 2, 'valid')`; x must be `[B, T, H, W, C]`. Default false. */
  readonly pool?: boolean;
  readonly form?: ScanForm;
}

export interface ScanResult {
  /** Output of every step, `[B, T, ..., C]`; pooled `[B, T, ⌊H/2⌋, ⌊W/2⌋, C]`. */
  readonly out: tf.Tensor;
  /** State after the last step, `[B, ..., C]` each. */
  readonly state: Readonly<Record<string, tf.Tensor>>;
  /** The running statistics advanced over this sequence, `[C]`; only when training with `norm`. Not differentiable. */
  readonly running?: Running;
}

export type AnyNeuron = NeuronDefinition;

import { registry } from '@bidl/registry';
import type { tf } from '@bidl/engine';
import type { NamedVariable } from '../classifier.js';

/** Something an optimizer was given or asked for does not fit its parameters. */
export class OptimizerError extends Error {
  override readonly name = 'OptimizerError';
}

/** Parameters that share hyperparameters. `options` override the optimizer's own (PyTorch's parameter groups). */
export interface ParameterGroup {
  readonly parameters: readonly NamedVariable[];
  readonly options?: Readonly<Record<string, unknown>>;
}

/** A group as the schedules see it. `lr` is in force at the next step; `baseLr` is where it started. */
export interface OptimizerGroup {
  readonly names: readonly string[];
  readonly baseLr: number;
  lr: number;
}

/** Gradients by parameter name. A parameter without one keeps its value and its state, as in PyTorch. */
export type Gradients = ReadonlyMap<string, tf.Tensor>;

/** Evaluates loss and gradients again at the current weights (line searches need it). */
export type Closure = () => { readonly loss: number; readonly gradients: Gradients };

/** Everything an optimizer remembers: tensors keyed `slot/parameter` and numbers (step counts). */
export interface OptimizerState {
  readonly tensors: ReadonlyMap<string, tf.Tensor>;
  readonly scalars: Readonly<Record<string, number>>;
}

/**
 * Changes weights in place from gradients. All memory is explicit: `state()` gives copies (the caller disposes
 * the tensors), `load()` takes them back, `dispose()` frees what is held.
 */
export interface Optimizer {
  readonly type: string;
  readonly groups: readonly OptimizerGroup[];
  step(gradients: Gradients, closure?: Closure): void;
  state(): OptimizerState;
  load(state: OptimizerState): void;
  dispose(): void;
}

/** Optimizers by PyTorch's names. Built with the parameter groups as context. */
export const optimizers = registry<Optimizer, readonly ParameterGroup[]>('optimizer');

/**
 * Build `{ type: 'SGD', lr: 0.1, ... }` for the trainable ones among `weights`, in one group.
 *
 * @throws ConfigError for an unknown type or parameter.
 */
export function createOptimizer(
  config: unknown,
  weights: readonly NamedVariable[],
  place = 'optimizer',
): Optimizer {
  const parameters = weights.filter((w) => w.trainable);
  return optimizers.build(config, [{ parameters }], place);
}

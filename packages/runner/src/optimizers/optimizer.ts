import type { tf } from '@bidl/engine';
import { registry } from '@bidl/registry';
import type { NamedVariable } from '../classifier.js';
import { parameterGroups, paramwiseSchema } from './paramwise.js';

/** Something an optimizer was given or asked for does not fit its parameters. */
export class OptimizerError extends Error {
  override readonly name = 'OptimizerError';
}

/** Parameters that share hyperparameters. `options` override the optimizer's own (PyTorch's parameter groups). */
export interface ParameterGroup {
  readonly parameters: readonly NamedVariable[];
  readonly options?: Readonly<Record<string, unknown>>;
}

/** A group as the schedules see it. What is written here is in force at the next step. */
export interface OptimizerGroup {
  readonly names: readonly string[];
  /** Where the rate started. */
  readonly baseLr: number;
  lr: number;
  /** Momentum, or the first beta of Adam and its kin; undefined for an optimizer without either. */
  momentum?: number | undefined;
}

/** Gradients by parameter name. A parameter without one keeps its value and its state, as in PyTorch. */
export type Gradients = ReadonlyMap<string, tf.Tensor>;

/** Loss and gradients at some weights. */
export interface LossAndGradients {
  readonly loss: number;
  readonly gradients: Gradients;
}

/** The loss as a function of the weights, for optimizers that try several (line searches). */
export interface Objective {
  /** At the weights where `step` is called. */
  readonly loss: number;
  /** At the weights as they are now; the caller disposes of the gradients. */
  evaluate(): LossAndGradients;
}

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
  step(gradients: Gradients, objective?: Objective): void;
  state(): OptimizerState;
  /** @throws OptimizerError for the state of other parameters. */
  load(state: OptimizerState): void;
  dispose(): void;
}

/** Optimizers by PyTorch's names. Built with the parameter groups as context. */
export const optimizers = registry<Optimizer, readonly ParameterGroup[]>('optimizer');

/**
 * Build `{ type: 'SGD', lr: 0.1, ... }` for the trainable ones among `weights`, in groups when it has a
 * `paramwise_cfg`.
 *
 * @example
 * // no weight decay on biases and BatchNorms
 * createOptimizer(
 *   { type: 'AdamW', lr: 1e-3, paramwise_cfg: { bias_decay_mult: 0, norm_decay_mult: 0 } },
 *   classifier.weights(),
 * );
 * @throws ConfigError for an unknown type or parameter.
 */
export function createOptimizer(
  config: unknown,
  weights: readonly NamedVariable[],
  place = 'optimizer',
): Optimizer {
  const parameters = weights.filter((w) => w.trainable);
  const { type, lr, weight_decay, paramwise_cfg } = optimizers.check(config, place);
  if (paramwise_cfg === undefined) return optimizers.build(config, [{ parameters }], place);
  const defaults = {
    type,
    lr: Number(lr),
    weight_decay: weight_decay === undefined ? undefined : Number(weight_decay),
  };
  const groups = parameterGroups(
    parameters,
    paramwiseSchema.parse(paramwise_cfg),
    defaults,
    `${place}.paramwise_cfg`,
  );
  return optimizers.build(config, groups, place);
}

/** Groups as schedules see them. @throws OptimizerError for no parameters, or one that is listed twice. */
export function optimizerGroups(
  groups: readonly {
    readonly parameters: readonly NamedVariable[];
    readonly lr: number;
    readonly momentum?: number | undefined;
  }[],
): OptimizerGroup[] {
  const names = groups.flatMap((g) => g.parameters.map((p) => p.name));
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new OptimizerError(`optimizer: parameter "${twice}" is listed twice. Put it in one group only.`);
  if (names.length === 0)
    throw new OptimizerError('optimizer: there are no trainable parameters. Check the model config.');
  return groups.map(({ parameters, lr, momentum }) => ({
    names: parameters.map((p) => p.name),
    baseLr: lr,
    lr,
    momentum,
  }));
}

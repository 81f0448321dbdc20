import { z } from 'zod';
import type { Elementwise } from '@bidl/engine';
import { ElementwiseOptimizer } from './elementwise.js';
import { optimizers } from './optimizer.js';
import { paramwiseSchema } from './paramwise.js';

/** What every optimizer has. */
export interface CommonOptions {
  readonly lr: number;
  /** The gradient then comes with its sign turned. */
  readonly maximize?: boolean;
}

/** What an update sees of a parameter. `V` stands for an array: a tensor, or a symbol while a program is recorded. */
export interface UpdateInput<V, O, S, N> {
  readonly param: V;
  readonly grad: V;
  /** What the rule gave last time; at the first step the numbers that they start with. */
  readonly slots: { readonly [K in keyof S]: V };
  /** Numbers that the rule remembers beside the arrays. */
  readonly scalars: N;
  /** 1 at the first step. */
  readonly step: number;
  readonly lr: number;
  readonly options: O;
}

/** Numbers that go with a parameter from step to step. */
export interface Scalars<O, N> {
  start(options: O): N;
  next(scalars: N, at: { readonly step: number; readonly lr: number; readonly options: O }): N;
}

/**
 * An optimizer that treats every element of every parameter alike: one pure function from old value, gradient and
 * slots to new value and slots.
 */
export interface UpdateRule<O extends CommonOptions, S extends object = object, N extends object = object> {
  /** Its name in configs. */
  readonly type: string;
  /** Its arguments, {@link optimizerKeys} among them. */
  readonly schema: z.ZodType<O>;
  /** The arrays that it remembers for every parameter, each with the number that fills it at first. */
  slots(options: O): S;
  readonly scalars?: Scalars<O, N>;
  update<V>(
    o: Elementwise<V>,
    input: UpdateInput<V, O, S, N>,
  ): { readonly param: V; readonly slots: { readonly [K in keyof S]: V } };
}

/**
 * Adds an optimizer to those that configs can name.
 *
 * @example
 * defineOptimizer({
 *   type: 'SignSGD',
 *   schema: z.strictObject(optimizerKeys({ lr: 1e-3 })),
 *   slots: () => ({}),
 *   update: (o, { param, grad, lr }) => ({ param: o.combine(1, param, -lr, o.sign(grad)), slots: {} }),
 * });
 */
export function defineOptimizer<O extends CommonOptions, S extends object, N extends object = object>(
  rule: UpdateRule<O, S, N>,
): UpdateRule<O, S, N> {
  optimizers.register({
    type: rule.type,
    schema: rule.schema,
    build: (options, groups) => new ElementwiseOptimizer(rule, options, groups),
  });
  return rule;
}

/** How PyTorch computes, not what; accepted so that its arguments can be copied. */
const execution = {
  foreach: z.boolean().nullish().describe('accepted from PyTorch: the update is fused anyway'),
  fused: z.boolean().nullish().describe('accepted from PyTorch: the update is fused anyway'),
  capturable: z.boolean().optional().describe('accepted from PyTorch: changes nothing'),
  differentiable: z
    .literal(false)
    .optional()
    .describe('accepted from PyTorch: updates are never differentiated'),
};

/** Arguments that all optimizers share; the default of `lr` is their own. */
export const optimizerKeys = ({ lr }: { readonly lr: number }) => ({
  lr: z.number().nonnegative().default(lr).describe('learning rate'),
  maximize: z.boolean().default(false).describe('climb instead of descending'),
  paramwise_cfg: paramwiseSchema.optional(),
  ...execution,
});

/** The argument `weight_decay`. */
export const weightDecay = (fallback = 0) => z.number().nonnegative().default(fallback);

/** The gradient with the L2 penalty's added: what most rules begin with. */
export function penalised<V>(
  o: Elementwise<V>,
  {
    param,
    grad,
    options,
  }: { readonly param: V; readonly grad: V; readonly options: { readonly weight_decay: number } },
): V {
  const { weight_decay } = options;
  return weight_decay === 0 ? grad : o.combine(1, grad, weight_decay, param);
}

/** A running mean of decay `beta`. */
export const average = <V>(o: Elementwise<V>, beta: number, mean: V, value: V): V =>
  o.combine(beta, mean, 1 - beta, value);

/** One step of length `rate` against a direction. */
export const descend = <V>(o: Elementwise<V>, param: V, rate: number, direction: V): V =>
  o.combine(1, param, -rate, direction);

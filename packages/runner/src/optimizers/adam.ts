import { z } from 'zod';
import type { Elementwise } from '@bidl/engine';
import { average, defineOptimizer, optimizerKeys, penalised, weightDecay, type UpdateInput } from './rule.js';

const beta = z.number().min(0).lt(1);

/** Arguments of the Adam family. */
export const adamKeys = ({ lr, decay = 0 }: { readonly lr: number; readonly decay?: number }) => ({
  ...optimizerKeys({ lr }),
  weight_decay: weightDecay(decay),
  betas: z.tuple([beta, beta]).default([0.9, 0.999]).describe('decay of the means of g and g²'),
  eps: z.number().nonnegative().default(1e-8),
});

interface AdamOptions {
  readonly lr: number;
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly weight_decay: number;
  readonly maximize?: boolean;
  readonly amsgrad: boolean;
  readonly decoupled_weight_decay: boolean;
}

interface AdamSlots {
  readonly exp_avg: number;
  readonly exp_avg_sq: number;
  readonly max_exp_avg_sq?: number;
}

const slots = ({ amsgrad }: AdamOptions): AdamSlots => ({
  exp_avg: 0,
  exp_avg_sq: 0,
  ...(amsgrad && { max_exp_avg_sq: 0 }),
});

/**
 * Adam as torch.optim.Adam; m and v are the running means of g and g²:
 *
 *     g = grad + weight_decay · p
 *     m = β₁ · m + (1 − β₁) · g,   v = β₂ · v + (1 − β₂) · g²
 *     p = p − lr / (1 − β₁ᵗ) · m / (√(v / (1 − β₂ᵗ)) + eps)
 *
 * With `amsgrad` the largest v so far takes v's place in the last line; with `decoupled_weight_decay` the penalty is
 * left out of g, and p shrinks by lr · weight_decay first.
 */
defineOptimizer<AdamOptions, AdamSlots>({
  type: 'Adam',
  schema: z.strictObject({
    ...adamKeys({ lr: 1e-3 }),
    amsgrad: z.boolean().default(false),
    decoupled_weight_decay: z.boolean().default(false),
  }),
  slots,
  update: adamStep,
});

/** Adam with decoupled weight decay, as torch.optim.AdamW. */
defineOptimizer<AdamOptions, AdamSlots>({
  type: 'AdamW',
  schema: z
    .strictObject({ ...adamKeys({ lr: 1e-3, decay: 1e-2 }), amsgrad: z.boolean().default(false) })
    .transform((o) => ({ ...o, decoupled_weight_decay: true })),
  slots,
  update: adamStep,
});

function adamStep<V>(o: Elementwise<V>, input: UpdateInput<V, AdamOptions, AdamSlots, object>) {
  const { param, slots: last, step, lr, options } = input;
  const { g, shrink } = decayed(o, input);
  const [beta1, beta2] = options.betas;
  const exp_avg = average(o, beta1, last.exp_avg, g);
  const exp_avg_sq = average(o, beta2, last.exp_avg_sq, o.square(g));
  const top = last.max_exp_avg_sq === undefined ? undefined : o.max(last.max_exp_avg_sq, exp_avg_sq);
  // both bias corrections folded into two numbers: a / (√v / s + eps) = a · s / (√v + eps · s)
  const s = Math.sqrt(1 - beta2 ** step);
  const rate = (lr / (1 - beta1 ** step)) * s;
  const direction = o.div(exp_avg, o.add(o.sqrt(top ?? exp_avg_sq), options.eps * s));
  return {
    param: o.combine(shrink, param, -rate, direction),
    slots: { exp_avg, exp_avg_sq, ...(top !== undefined && { max_exp_avg_sq: top }) },
  };
}

/** The gradient, and the factor that a decoupled weight decay puts before the parameter. */
export function decayed<V>(
  o: Elementwise<V>,
  input: {
    readonly param: V;
    readonly grad: V;
    readonly lr: number;
    readonly options: Pick<AdamOptions, 'weight_decay' | 'decoupled_weight_decay'>;
  },
): { readonly g: V; readonly shrink: number } {
  const { weight_decay, decoupled_weight_decay } = input.options;
  if (!decoupled_weight_decay) return { g: penalised(o, input), shrink: 1 };
  return { g: input.grad, shrink: 1 - input.lr * weight_decay };
}

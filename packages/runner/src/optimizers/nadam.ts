import { z } from 'zod';
import { adamKeys, decayed } from './adam.js';
import { average, defineOptimizer } from './rule.js';

/** The momentum of step t: β₁ · (1 − 0.96^(t · momentum_decay) / 2). */
const mu = (beta1: number, step: number, decay: number) => beta1 * (1 - 0.5 * 0.96 ** (step * decay));

/**
 * Adam with Nesterov momentum (Dozat 2016), as torch.optim.NAdam; m, v and g as in Adam:
 *
 *     μₜ = β₁ · (1 − 0.96^(t · momentum_decay) / 2),   Πₜ = μ₁ · … · μₜ
 *     p = p − lr · ((1 − μₜ) / (1 − Πₜ) · g + μₜ₊₁ / (1 − Πₜ · μₜ₊₁) · m) / (√(v / (1 − β₂ᵗ)) + eps)
 */
defineOptimizer({
  type: 'NAdam',
  schema: z.strictObject({
    ...adamKeys({ lr: 2e-3 }),
    momentum_decay: z.number().nonnegative().default(4e-3),
    decoupled_weight_decay: z.boolean().default(false),
  }),
  slots: () => ({ exp_avg: 0, exp_avg_sq: 0 }),
  scalars: {
    start: () => ({ mu_product: 1 }),
    next: ({ mu_product }, { step, options }) => ({
      mu_product: mu_product * mu(options.betas[0], step, options.momentum_decay),
    }),
  },
  update(o, input) {
    const { param, slots, scalars, step, lr, options } = input;
    const { g, shrink } = decayed(o, input);
    const [beta1, beta2] = options.betas;
    const [now, next] = [step, step + 1].map((t) => mu(beta1, t, options.momentum_decay)) as [number, number];
    const product = scalars.mu_product * now;
    const exp_avg = average(o, beta1, slots.exp_avg, g);
    const exp_avg_sq = average(o, beta2, slots.exp_avg_sq, o.square(g));
    const root = o.add(o.mul(o.sqrt(exp_avg_sq), 1 / Math.sqrt(1 - beta2 ** step)), options.eps);
    const direction = o.combine((1 - now) / (1 - product), g, next / (1 - product * next), exp_avg);
    return {
      param: o.combine(shrink, param, -lr, o.div(direction, root)),
      slots: { exp_avg, exp_avg_sq },
    };
  },
});

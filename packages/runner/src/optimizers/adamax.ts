import { z } from 'zod';
import { adamKeys } from './adam.js';
import { average, defineOptimizer, descend, penalised } from './rule.js';

/**
 * Adam with the infinity norm (Kingma & Ba 2015), as torch.optim.Adamax:
 *
 *     m = β₁ · m + (1 − β₁) · g,   u = max(β₂ · u, |g| + eps)
 *     p = p − lr / (1 − β₁ᵗ) · m / u
 */
defineOptimizer({
  type: 'Adamax',
  schema: z.strictObject(adamKeys({ lr: 2e-3 })),
  slots: () => ({ exp_avg: 0, exp_inf: 0 }),
  update(o, input) {
    const { param, slots, step, lr, options } = input;
    const [beta1, beta2] = options.betas;
    const g = penalised(o, input);
    const exp_avg = average(o, beta1, slots.exp_avg, g);
    const exp_inf = o.max(o.mul(slots.exp_inf, beta2), o.add(o.abs(g), options.eps));
    const rate = lr / (1 - beta1 ** step);
    return { param: descend(o, param, rate, o.div(exp_avg, exp_inf)), slots: { exp_avg, exp_inf } };
  },
});

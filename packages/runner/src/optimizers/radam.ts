import { z } from 'zod';
import { adamKeys, decayed } from './adam.js';
import { average, defineOptimizer } from './rule.js';

/**
 * Rectified Adam (Liu et al. 2020, "On the variance of the adaptive learning rate and beyond"), as torch.optim.RAdam:
 * Adam whose step is scaled by the variance of v, known from ρₜ; a step of plain momentum while ρₜ ≤ 5.
 *
 *     ρ∞ = 2 / (1 − β₂) − 1,   ρₜ = ρ∞ − 2t · β₂ᵗ / (1 − β₂ᵗ)
 *     r = √((ρₜ − 4)(ρₜ − 2) ρ∞ / ((ρ∞ − 4)(ρ∞ − 2) ρₜ))
 *     p = p − lr · m / (1 − β₁ᵗ) · r · √(1 − β₂ᵗ) / (√v + eps)
 */
defineOptimizer({
  type: 'RAdam',
  schema: z.strictObject({
    ...adamKeys({ lr: 1e-3 }),
    decoupled_weight_decay: z.boolean().default(false),
  }),
  slots: () => ({ exp_avg: 0, exp_avg_sq: 0 }),
  update(o, input) {
    const { param, slots, step, lr, options } = input;
    const { g, shrink } = decayed(o, input);
    const [beta1, beta2] = options.betas;
    const exp_avg = average(o, beta1, slots.exp_avg, g);
    const exp_avg_sq = average(o, beta2, slots.exp_avg_sq, o.square(g));
    const correction = 1 - beta2 ** step;
    const last = 2 / (1 - beta2) - 1;
    const now = last - (2 * step * beta2 ** step) / correction;
    const rate = lr / (1 - beta1 ** step);
    const after = (length: number, direction: typeof param) => ({
      param: o.combine(shrink, param, -length, direction),
      slots: { exp_avg, exp_avg_sq },
    });
    if (now <= 5) return after(rate, exp_avg);
    const rectified = Math.sqrt(((now - 4) * (now - 2) * last) / ((last - 4) * (last - 2) * now));
    const adapted = o.div(exp_avg, o.add(o.sqrt(exp_avg_sq), options.eps));
    return after(rate * rectified * Math.sqrt(correction), adapted);
  },
});

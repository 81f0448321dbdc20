import { z } from 'zod';
import { average, defineOptimizer, descend, optimizerKeys, penalised, weightDecay } from './rule.js';

/**
 * Adadelta (Zeiler 2012), as torch.optim.Adadelta:
 *
 *     v = ρ · v + (1 − ρ) · g²
 *     Δ = √(d + eps) / √(v + eps) · g,   d = ρ · d + (1 − ρ) · Δ²
 *     p = p − lr · Δ
 */
defineOptimizer({
  type: 'Adadelta',
  schema: z.strictObject({
    ...optimizerKeys({ lr: 1 }),
    weight_decay: weightDecay(),
    rho: z.number().min(0).max(1).default(0.9),
    eps: z.number().nonnegative().default(1e-6),
  }),
  slots: () => ({ square_avg: 0, acc_delta: 0 }),
  update(o, input) {
    const { param, slots, lr, options } = input;
    const { rho, eps } = options;
    const g = penalised(o, input);
    const square_avg = average(o, rho, slots.square_avg, o.square(g));
    const ratio = o.div(o.sqrt(o.add(slots.acc_delta, eps)), o.sqrt(o.add(square_avg, eps)));
    const delta = o.mul(ratio, g);
    const acc_delta = average(o, rho, slots.acc_delta, o.square(delta));
    return { param: descend(o, param, lr, delta), slots: { square_avg, acc_delta } };
  },
});

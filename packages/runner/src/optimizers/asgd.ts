import { z } from 'zod';
import { defineOptimizer, optimizerKeys, penalised, weightDecay } from './rule.js';

/**
 * Averaged stochastic gradient descent (Polyak & Juditsky 1992), as torch.optim.ASGD: a shrinking rate η, and the mean
 * `ax` of the weights over the steps after `t0`, which is kept in the state.
 *
 *     p = p · (1 − lambd · η) − η · g,   ax = ax + μ · (p − ax)
 *     then η = lr / (1 + lambd · lr · t)^alpha,   μ = 1 / max(1, t − t0)
 */
defineOptimizer({
  type: 'ASGD',
  schema: z.strictObject({
    ...optimizerKeys({ lr: 1e-2 }),
    weight_decay: weightDecay(),
    lambd: z.number().default(1e-4).describe('decay'),
    alpha: z.number().default(0.75).describe('power with which the rate falls'),
    t0: z.number().default(1e6).describe('step at which averaging starts'),
  }),
  slots: () => ({ ax: 0 }),
  scalars: {
    start: ({ lr }) => ({ eta: lr, mu: 1 }),
    next: (_, { step, lr, options: { lambd, alpha, t0 } }) => ({
      eta: lr / (1 + lambd * lr * step) ** alpha,
      mu: 1 / Math.max(1, step - t0),
    }),
  },
  update(o, input) {
    const { slots, scalars, options } = input;
    const g = penalised(o, input);
    const param = o.combine(1 - options.lambd * scalars.eta, input.param, -scalars.eta, g);
    const ax = scalars.mu === 1 ? param : o.add(slots.ax, o.mul(o.sub(param, slots.ax), scalars.mu));
    return { param, slots: { ax } };
  },
});

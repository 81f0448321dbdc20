import { z } from 'zod';
import { defineOptimizer, descend, optimizerKeys, penalised, weightDecay } from './rule.js';

interface SgdSlots {
  readonly momentum_buffer?: number;
}

/**
 * Stochastic gradient descent as torch.optim.SGD:
 *
 *     g = grad + weight_decay · p
 *     b = momentum · b + (1 − dampening) · g        (b = g at the first step)
 *     p = p − lr · (nesterov ? g + momentum · b : b)
 */
defineOptimizer({
  type: 'SGD',
  schema: z
    .strictObject({
      ...optimizerKeys({ lr: 1e-3 }),
      weight_decay: weightDecay(),
      momentum: z.number().nonnegative().default(0),
      dampening: z.number().default(0),
      nesterov: z.boolean().default(false),
    })
    .refine((o) => !o.nesterov || (o.momentum > 0 && o.dampening === 0), {
      path: ['nesterov'],
      message: 'needs a momentum above 0 and no dampening',
    }),
  slots: ({ momentum }): SgdSlots => (momentum === 0 ? {} : { momentum_buffer: 0 }),
  update(o, input) {
    const { param, slots, step, lr, options } = input;
    const { momentum, dampening, nesterov } = options;
    const g = penalised(o, input);
    if (slots.momentum_buffer === undefined) return { param: descend(o, param, lr, g), slots: {} };
    const buffer = step === 1 ? g : o.combine(momentum, slots.momentum_buffer, 1 - dampening, g);
    const direction = nesterov ? o.combine(1, g, momentum, buffer) : buffer;
    return { param: descend(o, param, lr, direction), slots: { momentum_buffer: buffer } };
  },
});

import { z } from 'zod';
import { defineOptimizer, descend, optimizerKeys, penalised, weightDecay } from './rule.js';

/**
 * Adagrad (Duchi et al. 2011), as torch.optim.Adagrad:
 *
 *     sum = sum + g²
 *     p = p − lr / (1 + (t − 1) · lr_decay) · g / (√sum + eps)
 */
defineOptimizer({
  type: 'Adagrad',
  schema: z.strictObject({
    ...optimizerKeys({ lr: 1e-2 }),
    weight_decay: weightDecay(),
    lr_decay: z.number().nonnegative().default(0),
    initial_accumulator_value: z.number().nonnegative().default(0),
    eps: z.number().nonnegative().default(1e-10),
  }),
  slots: ({ initial_accumulator_value }) => ({ sum: initial_accumulator_value }),
  update(o, input) {
    const { param, slots, step, lr, options } = input;
    const g = penalised(o, input);
    const sum = o.add(slots.sum, o.square(g));
    const rate = lr / (1 + (step - 1) * options.lr_decay);
    return { param: descend(o, param, rate, o.div(g, o.add(o.sqrt(sum), options.eps))), slots: { sum } };
  },
});

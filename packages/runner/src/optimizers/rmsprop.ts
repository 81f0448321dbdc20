import { z } from 'zod';
import { average, defineOptimizer, descend, optimizerKeys, penalised, weightDecay } from './rule.js';

interface RmspropSlots {
  readonly square_avg: number;
  readonly grad_avg?: number;
  readonly momentum_buffer?: number;
}

/**
 * RMSprop (Hinton), as torch.optim.RMSprop:
 *
 *     v = α · v + (1 − α) · g²,   a = α · a + (1 − α) · g        (a with `centered` only)
 *     d = g / (√(v − a²) + eps)
 *     p = p − lr · (momentum > 0 ? b = momentum · b + d : d)
 */
defineOptimizer({
  type: 'RMSprop',
  schema: z.strictObject({
    ...optimizerKeys({ lr: 1e-2 }),
    weight_decay: weightDecay(),
    alpha: z.number().nonnegative().default(0.99),
    eps: z.number().nonnegative().default(1e-8),
    momentum: z.number().nonnegative().default(0),
    centered: z.boolean().default(false).describe("divide by g's standard deviation instead of its size"),
  }),
  slots: ({ centered, momentum }): RmspropSlots => ({
    square_avg: 0,
    ...(centered && { grad_avg: 0 }),
    ...(momentum > 0 && { momentum_buffer: 0 }),
  }),
  update(o, input) {
    const { param, slots, lr, options } = input;
    const { alpha, eps, momentum } = options;
    const g = penalised(o, input);
    const square_avg = average(o, alpha, slots.square_avg, o.square(g));
    const grad_avg = slots.grad_avg === undefined ? undefined : average(o, alpha, slots.grad_avg, g);
    const variance = grad_avg === undefined ? square_avg : o.sub(square_avg, o.square(grad_avg));
    const scaled = o.div(g, o.add(o.sqrt(variance), eps));
    const last = slots.momentum_buffer;
    const momentum_buffer = last === undefined ? undefined : o.combine(momentum, last, 1, scaled);
    return {
      param: descend(o, param, lr, momentum_buffer ?? scaled),
      slots: {
        square_avg,
        ...(grad_avg !== undefined && { grad_avg }),
        ...(momentum_buffer !== undefined && { momentum_buffer }),
      },
    };
  },
});

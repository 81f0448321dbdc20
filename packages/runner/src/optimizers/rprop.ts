import { z } from 'zod';
import { defineOptimizer, optimizerKeys } from './rule.js';

/**
 * Resilient backpropagation (Riedmiller & Braun 1993), as torch.optim.Rprop: only the gradient's sign counts. A step
 * length per element starts at `lr`, grows while the sign stays and shrinks when it changes; such an element pauses.
 */
defineOptimizer({
  type: 'Rprop',
  schema: z.strictObject({
    ...optimizerKeys({ lr: 1e-2 }),
    etas: z
      .tuple([z.number().gt(0).lt(1), z.number().gt(1)])
      .default([0.5, 1.2])
      .describe('shrink, grow'),
    step_sizes: z.tuple([z.number().nonnegative(), z.number().positive()]).default([1e-6, 50]),
  }),
  slots: ({ lr }) => ({ prev: 0, step_size: lr }),
  update(o, { param, grad: g, slots, options }) {
    const { etas, step_sizes } = options;
    const [shrink, grow] = etas;
    const agreement = o.mul(g, slots.prev);
    const turned = o.neg(agreement);
    const factor = o.select(agreement, grow, o.select(turned, shrink, 1));
    const step_size = o.min(o.max(o.mul(slots.step_size, factor), step_sizes[0]), step_sizes[1]);
    const counted = o.select(turned, 0, g);
    return {
      param: o.sub(param, o.mul(o.sign(counted), step_size)),
      slots: { prev: counted, step_size },
    };
  },
});

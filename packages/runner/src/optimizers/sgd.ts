import { z } from 'zod';
import { tf } from '@bidl/engine';
import { ElementwiseOptimizer, type UpdateRule } from './elementwise.js';
import { optimizers } from './optimizer.js';

const schema = z
  .strictObject({
    lr: z.number().nonnegative().default(1e-3),
    momentum: z.number().nonnegative().default(0),
    dampening: z.number().default(0),
    nesterov: z.boolean().default(false),
    weight_decay: z.number().nonnegative().default(0),
    maximize: z.boolean().default(false),
  })
  .refine((o) => !o.nesterov || (o.momentum > 0 && o.dampening === 0), {
    path: ['nesterov'],
    message: 'needs a momentum above 0 and no dampening',
  });

type SgdOptions = z.output<typeof schema>;

const NONE: Readonly<Record<string, tf.Tensor>> = {};

/**
 * Stochastic gradient descent as torch.optim.SGD:
 *
 *     g = grad (negated when maximizing) + weight_decay * p
 *     b = momentum * b + (1 - dampening) * g        (b = g on the first step)
 *     p = p - lr * (nesterov ? g + momentum * b : b)
 */
export const sgd: UpdateRule<SgdOptions> = {
  type: 'SGD',
  update({ param, grad, slots, lr, options }) {
    const { momentum, dampening, nesterov, weight_decay, maximize } = options;
    let g = maximize ? tf.neg(grad) : grad;
    if (weight_decay !== 0) g = tf.add(g, tf.mul(param, weight_decay));
    if (momentum === 0) return { param: tf.sub(param, tf.mul(g, lr)), slots: NONE };
    const last = slots?.momentum_buffer;
    const fresh = dampening === 0 ? g : tf.mul(g, 1 - dampening);
    const buffer = last ? tf.add(tf.mul(last, momentum), fresh) : g;
    const direction = nesterov ? tf.add(g, tf.mul(buffer, momentum)) : buffer;
    return { param: tf.sub(param, tf.mul(direction, lr)), slots: { momentum_buffer: buffer } };
  },
};

optimizers.register({
  type: 'SGD',
  schema,
  build: (args, groups) => new ElementwiseOptimizer(sgd, args, groups),
});

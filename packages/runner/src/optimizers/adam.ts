import { z } from 'zod';
import { fusedAdamStep, tf } from '@bidl/engine';
import { ElementwiseOptimizer, type UpdateInput, type UpdateRule } from './elementwise.js';
import { optimizers } from './optimizer.js';

const beta = z.number().min(0).lt(1);
const schema = (weightDecay: number) =>
  z.strictObject({
    lr: z.number().nonnegative().default(1e-3),
    betas: z.tuple([beta, beta]).default([0.9, 0.999]),
    eps: z.number().nonnegative().default(1e-8),
    weight_decay: z.number().nonnegative().default(weightDecay),
    amsgrad: z.boolean().default(false),
    maximize: z.boolean().default(false),
  });

type AdamOptions = z.output<ReturnType<typeof schema>>;

/**
 * Adam as torch.optim.Adam; m and v are the running means of g and g², t counts from 1:
 *
 *     g = grad (negated when maximizing) + weight_decay * p
 *     m = beta1 * m + (1 - beta1) * g,   v = beta2 * v + (1 - beta2) * g²
 *     p = p - lr / (1 - beta1^t) * m / (sqrt(v / (1 - beta2^t)) + eps)
 *
 * With `amsgrad` the largest v so far takes v's place in the last line.
 */
export const adam: UpdateRule<AdamOptions> = {
  type: 'Adam',
  update(input) {
    const { param, grad, options } = input;
    const g = options.maximize ? tf.neg(grad) : grad;
    return moments(input, param, g, options.weight_decay);
  },
};

/** Adam with decoupled weight decay, as torch.optim.AdamW: first p = p * (1 - lr * weight_decay), then Adam. */
export const adamW: UpdateRule<AdamOptions> = {
  type: 'AdamW',
  update(input) {
    const { param, grad, lr, options } = input;
    const decayed = options.weight_decay === 0 ? param : tf.mul(param, 1 - lr * options.weight_decay);
    return moments(input, decayed, options.maximize ? tf.neg(grad) : grad, 0);
  },
};

function moments(
  { slots, step, lr, options }: UpdateInput<AdamOptions>,
  param: tf.Tensor,
  grad: tf.Tensor,
  decay: number,
) {
  const [beta1, beta2] = options.betas;
  // both bias corrections folded into two numbers: a / (sqrt(v)/s + eps) = a*s / (sqrt(v) + eps*s)
  const s = Math.sqrt(1 - beta2 ** step);
  const rate = (lr / (1 - beta1 ** step)) * s;
  const epsilon = options.eps * s;
  if (!options.amsgrad && slots?.exp_avg && slots.exp_avg_sq) {
    const before = { param, m: slots.exp_avg, v: slots.exp_avg_sq };
    const fused = fusedAdamStep(before, grad, { beta1, beta2, rate, epsilon, decay });
    if (fused) return { param: fused.param, slots: { exp_avg: fused.m, exp_avg_sq: fused.v } };
  }
  const g = decay === 0 ? grad : tf.add(grad, tf.mul(param, decay));
  const freshM = tf.mul(g, 1 - beta1);
  const freshV = tf.mul(tf.square(g), 1 - beta2);
  const m = slots?.exp_avg ? tf.add(tf.mul(slots.exp_avg, beta1), freshM) : freshM;
  const v = slots?.exp_avg_sq ? tf.add(tf.mul(slots.exp_avg_sq, beta2), freshV) : freshV;
  const top = options.amsgrad ? (slots?.max_exp_avg_sq ? tf.maximum(slots.max_exp_avg_sq, v) : v) : undefined;
  const denominator = tf.add(tf.sqrt(top ?? v), epsilon);
  return {
    param: tf.sub(param, tf.mul(tf.div(m, denominator), rate)),
    slots: { exp_avg: m, exp_avg_sq: v, ...(top ? { max_exp_avg_sq: top } : {}) },
  };
}

optimizers.register({
  type: 'Adam',
  schema: schema(0),
  build: (args, groups) => new ElementwiseOptimizer(adam, args, groups),
});
optimizers.register({
  type: 'AdamW',
  schema: schema(1e-2),
  build: (args, groups) => new ElementwiseOptimizer(adamW, args, groups),
});

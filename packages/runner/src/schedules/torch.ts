import { z } from 'zod';
import { ANNEAL } from './anneal.js';
import { stepsOf } from './closed-form.js';
import { registerTorch } from './torch-schedule.js';

const positive = z.number().positive();
const nonNegative = z.number().nonnegative();
const gamma = positive.default(0.1);

registerTorch('StepLR', { step_size: z.int().positive(), gamma }, (args) => ({
  next: (lr, step) => (step % args.step_size === 0 ? lr * args.gamma : lr),
}));

registerTorch('MultiStepLR', { milestones: z.array(z.int()), gamma }, (args) => ({
  next: (lr, step) => lr * args.gamma ** args.milestones.filter((m) => m === step).length,
}));

registerTorch('ExponentialLR', { gamma: positive }, (args) => ({ next: (lr) => lr * args.gamma }));

registerTorch(
  'ConstantLR',
  { factor: positive.max(1).default(1 / 3), total_iters: z.int().default(5) },
  (args, { baseLr }) => ({
    start: baseLr * args.factor,
    next: (lr, step) => (step === args.total_iters ? lr / args.factor : lr),
  }),
);

registerTorch(
  'LinearLR',
  {
    start_factor: positive.max(1).default(1 / 3),
    end_factor: nonNegative.max(1).default(1),
    total_iters: z.int().default(5),
  },
  ({ start_factor: start, end_factor: end, total_iters: total }, { baseLr }) => ({
    start: baseLr * start,
    next: (lr, step) =>
      step > total ? lr : lr * (1 + (end - start) / (total * start + (step - 1) * (end - start))),
  }),
);

registerTorch(
  'PolynomialLR',
  { total_iters: z.int().default(5), power: positive.default(1) },
  ({ total_iters: total, power }) => ({
    next: (lr, step) => (step > total ? lr : lr * ((1 - step / total) / (1 - (step - 1) / total)) ** power),
  }),
);

registerTorch(
  'CosineAnnealingLR',
  { T_max: positive.nullish(), eta_min: nonNegative.default(0) },
  (args, context, byEpoch) => {
    const T = args.T_max ?? stepsOf(context, byEpoch);
    const floor = args.eta_min;
    return {
      next: (lr, step, baseLr) => {
        // the recursion divides by zero one step after each valley; torch climbs by a fixed step there
        if ((step - 1 - T) % (2 * T) === 0) return lr + ((baseLr - floor) * (1 - Math.cos(Math.PI / T))) / 2;
        const ratio = (1 + Math.cos((Math.PI * step) / T)) / (1 + Math.cos((Math.PI * (step - 1)) / T));
        return ratio * (lr - floor) + floor;
      },
    };
  },
);

registerTorch(
  'CosineAnnealingWarmRestarts',
  { T_0: z.int().positive(), T_mult: z.int().positive().default(1), eta_min: nonNegative.default(0) },
  ({ T_0, T_mult, eta_min }) => ({
    next: (_lr, step, baseLr) => {
      let [start, length] = [0, T_0];
      while (step >= start + length) [start, length] = [start + length, length * T_mult];
      return ANNEAL.cos(baseLr, eta_min, (step - start) / length);
    },
  }),
);

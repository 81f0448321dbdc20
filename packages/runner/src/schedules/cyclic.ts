import { z } from 'zod';
import { ANNEAL } from './anneal.js';
import { registerClosedForm } from './closed-form.js';
import { momentumKeys, momentumRange } from './cycle-momentum.js';
import { registerTorch } from './torch-schedule.js';

const positive = z.number().positive();

registerTorch(
  'CyclicLR',
  {
    base_lr: positive,
    max_lr: positive,
    step_size_up: z.int().positive().default(2000),
    step_size_down: z.int().positive().nullish().describe('default: step_size_up'),
    mode: z.enum(['triangular', 'triangular2', 'exp_range']).default('triangular'),
    gamma: positive.default(1).describe('of exp_range: the range shrinks by it at every step'),
    ...momentumKeys(0.8, 0.9),
  },
  (args, context) => {
    const { base_lr, max_lr, step_size_up: up, mode, gamma } = args;
    const length = up + (args.step_size_down ?? up);
    /** How far up the cycle is, 0 to 1, its amplitude included. */
    const height = (step: number): number => {
      const cycle = Math.floor(step / length);
      const within = step - cycle * length;
      const triangle = within <= up ? within / up : (length - within) / (length - up);
      const amplitude = { triangular: 1, triangular2: 0.5 ** cycle, exp_range: gamma ** step }[mode];
      return triangle * amplitude;
    };
    const range = momentumRange(args, context);
    return {
      start: base_lr,
      next: (_lr, step) => base_lr + (max_lr - base_lr) * height(step),
      ...(range && { momentum: (step: number) => range.max - (range.max - range.base) * height(step) }),
    };
  },
);

registerClosedForm(
  ['Cyclic', 'cyclic'],
  {
    by_epoch: z.boolean().default(false),
    target_ratio: z
      .union([positive, z.tuple([positive, positive])])
      .default([10, 1e-4])
      .describe("highest and lowest rate, as shares of the optimizer's"),
    cyclic_times: z.int().positive().default(1).describe('cycles in the run'),
    step_ratio_up: z.number().min(0).lt(1).default(0.4),
    anneal_strategy: z.enum(['cos', 'linear']).default('cos'),
    gamma: positive.max(1).default(1).describe('by which the range shrinks from cycle to cycle'),
  },
  ({ target_ratio, cyclic_times, step_ratio_up, anneal_strategy, gamma }) => {
    const [highest, lowest] =
      typeof target_ratio === 'number' ? [target_ratio, target_ratio / 1e5] : target_ratio;
    const anneal = ANNEAL[anneal_strategy];
    return (done, total, baseLr) => {
      const length = Math.max(Math.floor(total / cyclic_times), 1);
      const up = Math.floor(step_ratio_up * length);
      const [cycle, within] = [Math.floor(done / length), done % length];
      const scale = gamma ** cycle;
      const top = baseLr * (1 - scale + highest * scale);
      if (within < up) return anneal(baseLr, top, within / up);
      return anneal(top, baseLr * lowest, (within - up) / (length - up));
    };
  },
);

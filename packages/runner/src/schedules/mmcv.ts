import { z } from 'zod';
import { ANNEAL } from './anneal.js';
import { registerClosedForm, stepsOf } from './closed-form.js';
import { scheduleConfigError } from './schedule.js';

const nonNegative = z.number().nonnegative();
const positive = z.number().positive();
const milestones = z.array(z.int().positive()).min(1);

registerClosedForm(['fixed', 'Fixed', 'constant', 'Constant'], {}, () => (_done, _total, baseLr) => baseLr);

/** Where an annealing ends: `min_lr`, or that share of the optimizer's rate. */
const floorKeys = {
  min_lr: nonNegative.nullish(),
  eta_min: nonNegative.nullish().describe('same as min_lr'),
  min_lr_ratio: nonNegative.max(1).nullish(),
};
const floorOf = (args: z.output<z.ZodObject<typeof floorKeys>>, baseLr: number) =>
  args.min_lr ?? args.eta_min ?? baseLr * (args.min_lr_ratio ?? 0);

registerClosedForm(
  ['CosineAnnealing'],
  { T_max: positive.nullish(), ...floorKeys },
  (args) => (done, total, baseLr) =>
    ANNEAL.cos(baseLr, floorOf(args, baseLr), Math.min(done / (args.T_max ?? total), 1)),
);

registerClosedForm(
  ['Linear', 'linear', 'LinearAnnealing'],
  floorKeys,
  (args) => (done, total, baseLr) => ANNEAL.linear(baseLr, floorOf(args, baseLr), Math.min(done / total, 1)),
);

registerClosedForm(
  ['FlatCosineAnnealing'],
  { start_percent: nonNegative.max(1).default(0.75), ...floorKeys },
  (args) => (done, total, baseLr) => {
    const start = Math.round(total * args.start_percent);
    if (done < start) return baseLr;
    return ANNEAL.cos(baseLr, floorOf(args, baseLr), Math.min((done - start) / (total - start), 1));
  },
);

registerClosedForm(
  ['CosineRestart'],
  {
    periods: z.array(z.int().positive()).min(1).describe('length of every cycle'),
    restart_weights: z.array(nonNegative).nullish().describe('height of every cycle; default 1'),
    ...floorKeys,
  },
  (args, context, byEpoch) => {
    const { periods } = args;
    const weights = args.restart_weights ?? periods.map(() => 1);
    if (weights.length !== periods.length)
      throw scheduleConfigError(
        'restart_weights',
        `has ${weights.length} numbers, periods has ${periods.length}`,
      );
    const ends = periods.map((_, i) => periods.slice(0, i + 1).reduce((a, b) => a + b, 0));
    const [steps, covered] = [stepsOf(context, byEpoch), ends.at(-1) ?? 0];
    if (covered < steps)
      throw scheduleConfigError('periods', `cover ${covered} steps of ${steps}: lengthen or add cycles`);
    return (done, _total, baseLr) => {
      const at = ends.findIndex((end) => done < end);
      const cycle = at < 0 ? periods.length - 1 : at;
      const [end = 0, period = 1, weight = 1] = [ends[cycle], periods[cycle], weights[cycle]];
      const progress = Math.min((done - (end - period)) / period, 1);
      const floor = floorOf(args, baseLr);
      return floor + weight * (ANNEAL.cos(baseLr, floor, progress) - floor);
    };
  },
);

registerClosedForm(
  ['Poly', 'poly'],
  { power: positive.default(1), min_lr: nonNegative.default(0) },
  ({ power, min_lr }) =>
    (done, total, baseLr) =>
      (baseLr - min_lr) * Math.max(1 - done / total, 0) ** power + min_lr,
);

registerClosedForm(
  ['Inv', 'inv'],
  { gamma: positive, power: positive.default(1) },
  ({ gamma, power }) =>
    (done, _total, baseLr) =>
      baseLr * (1 + gamma * done) ** -power,
);

const decayed = (baseLr: number, gamma: number, times: number, floor: number | null | undefined) =>
  Math.max(baseLr * gamma ** times, floor ?? 0);
const passed = (marks: readonly number[], done: number) => marks.filter((mark) => mark <= done).length;

registerClosedForm(
  ['Step', 'step'],
  {
    step: z.union([z.int().positive(), milestones]),
    gamma: positive.default(0.1),
    min_lr: nonNegative.nullish(),
  },
  ({ step, gamma, min_lr }) =>
    (done, _total, baseLr) =>
      decayed(baseLr, gamma, typeof step === 'number' ? Math.floor(done / step) : passed(step, done), min_lr),
);

registerClosedForm(
  ['MultiStep'],
  { milestones, gamma: positive.default(0.1), min_lr: nonNegative.nullish() },
  (args) => (done, _total, baseLr) => decayed(baseLr, args.gamma, passed(args.milestones, done), args.min_lr),
);

registerClosedForm(
  ['Exp', 'exp', 'Exponential'],
  { gamma: positive },
  ({ gamma }) =>
    (done, _total, baseLr) =>
      baseLr * gamma ** done,
);

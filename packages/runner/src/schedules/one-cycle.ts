import { z } from 'zod';
import { ANNEAL } from './anneal.js';
import { registerClosedForm, stepsOf } from './closed-form.js';
import { momentumKeys, momentumRange } from './cycle-momentum.js';
import { scheduleConfigError, type ScheduleContext } from './schedule.js';
import { registerTorch } from './torch-schedule.js';

const cycleKeys = {
  max_lr: z.number().positive(),
  total_steps: z.int().positive().nullish().describe('default: the whole run'),
  pct_start: z.number().min(0).max(1).default(0.3).describe('share of the cycle that goes upwards'),
  anneal_strategy: z.enum(['cos', 'linear']).default('cos'),
  div_factor: z.number().positive().default(25).describe('the first rate is max_lr / div_factor'),
  final_div_factor: z
    .number()
    .positive()
    .default(1e4)
    .describe('the last rate is the first / final_div_factor'),
  three_phase: z.boolean().default(false),
};
type CycleArgs = z.output<z.ZodObject<typeof cycleKeys>>;

/** A quantity at the ends of the phases of a cycle. */
type Corners = readonly [low: number, high: number, end: number];

/** A piecewise annealing along the phases of one cycle (Smith & Topin 2017, "Super-convergence"). */
function along(
  { pct_start: up, three_phase, anneal_strategy }: CycleArgs,
  total: number,
  [low, high, end]: Corners,
) {
  const phases = three_phase
    ? [
        { until: up * total - 1, from: low, to: high },
        { until: 2 * up * total - 2, from: high, to: low },
        { until: total - 1, from: low, to: end },
      ]
    : [
        { until: up * total - 1, from: low, to: high },
        { until: total - 1, from: high, to: end },
      ];
  return (step: number): number => {
    const now = Math.min(step, total - 1);
    const at = Math.max(
      phases.findIndex(({ until }) => now <= until),
      0,
    );
    const begin = phases[at - 1]?.until ?? 0;
    const phase = phases[at];
    if (!phase) return end;
    return ANNEAL[anneal_strategy](phase.from, phase.to, (now - begin) / (phase.until - begin));
  };
}

function totalSteps({ total_steps }: CycleArgs, context: ScheduleContext, byEpoch: boolean): number {
  const steps = stepsOf(context, byEpoch);
  if (total_steps !== null && total_steps !== undefined && total_steps < steps)
    throw scheduleConfigError(
      'total_steps',
      `is ${total_steps}, the run takes ${steps} ${byEpoch ? 'epochs' : 'iterations'}; leave it out`,
    );
  return total_steps ?? steps;
}

function rates(args: CycleArgs, total: number) {
  const low = args.max_lr / args.div_factor;
  return along(args, total, [low, args.max_lr, low / args.final_div_factor]);
}

registerClosedForm(
  ['OneCycle'],
  { ...cycleKeys, by_epoch: z.boolean().default(false) },
  (args, context, byEpoch) => rates(args, totalSteps(args, context, byEpoch)),
);

registerTorch(
  'OneCycleLR',
  {
    ...cycleKeys,
    epochs: z.int().positive().nullish().describe('with steps_per_epoch: instead of total_steps'),
    steps_per_epoch: z.int().positive().nullish(),
    ...momentumKeys(0.85, 0.95),
  },
  (args, context, byEpoch) => {
    const { epochs, steps_per_epoch } = args;
    const product = epochs && steps_per_epoch ? epochs * steps_per_epoch : undefined;
    const total = totalSteps({ ...args, total_steps: args.total_steps ?? product }, context, byEpoch);
    const lr = rates(args, total);
    const range = momentumRange(args, context);
    const momentum = range && along(args, total, [range.max, range.base, range.max]);
    return { start: lr(0), next: (_lr, step) => lr(step), ...(momentum && { momentum }) };
  },
);

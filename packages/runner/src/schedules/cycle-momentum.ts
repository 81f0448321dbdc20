import { z } from 'zod';
import { scheduleConfigError, type ScheduleContext } from './schedule.js';

/** torch's arguments for a momentum that falls while the rate rises. */
export const momentumKeys = (base: number, max: number) => ({
  cycle_momentum: z.boolean().default(true).describe('turn the momentum (or the first beta) as well'),
  base_momentum: z.number().min(0).lt(1).default(base),
  max_momentum: z.number().min(0).lt(1).default(max),
});

/** Between what the momentum goes; undefined when it stays. @throws ConfigError when the optimizer has none. */
export function momentumRange(
  {
    cycle_momentum,
    base_momentum: base,
    max_momentum: max,
  }: z.output<z.ZodObject<ReturnType<typeof momentumKeys>>>,
  context: ScheduleContext,
): { readonly base: number; readonly max: number } | undefined {
  if (!cycle_momentum) return undefined;
  if (context.momentum === undefined)
    throw scheduleConfigError('cycle_momentum', 'needs an optimizer with momentum or betas; set it to false');
  return { base, max };
}

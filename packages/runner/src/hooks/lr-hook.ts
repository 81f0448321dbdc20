import type { Hook } from './hook.js';

/** Sets each parameter group's rate from its schedule. */
export const lrHook = (): Hook => ({
  beforeIter(runner) {
    runner.schedules.forEach((schedule, i) => {
      const group = runner.optimizer.groups[i];
      const lr = schedule.beforeIter();
      if (group) group.lr = lr;
    });
  },
  afterEpoch(runner) {
    runner.schedules.forEach((schedule) => schedule.afterEpoch());
  },
});

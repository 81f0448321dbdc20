import type { Hook } from './hook.js';

/**
 * Sets each parameter group's rate, and momentum where the policy turns it, from its schedule. Stands after the
 * validation of an epoch, which some policies follow.
 */
export const lrHook = (): Hook => ({
  beforeIter(runner) {
    runner.schedules.forEach((schedule, i) => {
      const group = runner.optimizer.groups[i];
      const lr = schedule.beforeIter();
      if (!group) return;
      group.lr = lr;
      group.momentum = schedule.momentum ?? group.momentum;
    });
  },
  afterEpoch(runner) {
    const metrics = { train: runner.score.mean(), validation: runner.validation };
    runner.schedules.forEach((schedule) => schedule.afterEpoch(metrics));
  },
});

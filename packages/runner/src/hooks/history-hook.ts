import type { Hook } from './hook.js';

/** Adds the finished epoch to the run's history, which every checkpoint carries. Stands before the checkpoint hook. */
export const historyHook = (): Hook => ({
  afterEpoch(runner) {
    const record = {
      epoch: runner.epoch,
      lr: runner.lr,
      seconds: runner.elapsed(),
      train: runner.score.mean(),
      ...(runner.validation ? { validation: runner.validation } : {}),
    };
    runner.history.push(record);
    runner.reporter.onEpoch?.(record);
  },
});

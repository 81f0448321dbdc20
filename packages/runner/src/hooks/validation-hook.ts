import { evaluate } from '../loop/evaluate.js';
import type { Loader } from '../loop/loader.js';
import type { Hook } from './hook.js';

/**
 * Evaluates after each epoch and remembers the best one by top-1; of equal ones the earlier stays.
 *
 * @param interval in epochs; the last epoch is always evaluated
 */
export const validationHook = (loader: Loader, interval = 1): Hook => ({
  async afterEpoch(runner) {
    if (runner.epoch % interval !== 0 && runner.epoch !== runner.maxEpochs) return;
    const { loss, top1, top5 } = await evaluate(runner.classifier, loader, {
      now: runner.now,
      onBatch: (done, batches, running) =>
        runner.reporter.onEvaluate?.({ phase: 'validation', done, batches, running }),
    });
    runner.validation = { loss, top1, top5 };
    if (runner.best === null || top1 > runner.best.top1) runner.best = { epoch: runner.epoch, top1 };
    runner.log(
      `Epoch(val) [${runner.epoch}/${runner.maxEpochs}]\ttop-1: ${top1.toFixed(2)} top-5: ${top5.toFixed(2)} ` +
        `loss: ${loss.toFixed(4)}`,
    );
  },
});

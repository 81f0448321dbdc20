import { Score } from '../loop/score.js';
import type { Hook } from './hook.js';

/**
 * One line per `interval` iterations (and one at the end of an epoch) with means over the iterations since the
 * last line, and a report to the reporter after every iteration.
 */
export function loggerHook({ interval = 50 }: { readonly interval?: number } = {}): Hook {
  let window = new Score();
  let trainSeconds = 0;
  let timed = 0;
  let last = 0;
  return {
    beforeEpoch(runner) {
      window = new Score();
      last = runner.now();
    },
    afterIter(runner) {
      window.add(runner.result);
      const now = runner.now();
      trainSeconds += (now - last) / 1000;
      timed += 1;
      last = now;
      const { batches } = runner.loader;
      const left = batches * (runner.maxEpochs - runner.epoch) - runner.innerIter;
      const perIter = trainSeconds / timed;
      const epoch = runner.epoch + 1;
      runner.reporter.onIter?.({
        epoch,
        maxEpochs: runner.maxEpochs,
        iter: runner.innerIter,
        batches,
        lr: runner.lr,
        running: runner.score.mean(),
        eta: left * perIter,
      });
      if (runner.innerIter % interval !== 0 && runner.innerIter !== batches) return;
      const mean = window.mean();
      runner.log(
        `Epoch [${epoch}/${runner.maxEpochs}][${runner.innerIter}/${batches}]\tlr: ${rate(runner.lr)} ` +
          `top-1: ${mean.top1.toFixed(2)} top-5: ${mean.top5.toFixed(2)} loss: ${mean.loss.toFixed(4)} ` +
          `time: ${perIter.toFixed(3)} eta: ${clockTime(left * perIter)}`,
      );
      window = new Score();
    },
  };
}

/** Five significant digits. */
const rate = (lr: number) => String(Number(lr.toPrecision(5)));

/** `h:mm:ss` */
export function clockTime(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  const pad = (n: number) => String(n).padStart(2, '0');
  return `${Math.floor(s / 3600)}:${pad(Math.floor(s / 60) % 60)}:${pad(s % 60)}`;
}

import type { Reporter } from '@bidl/runner';

import type { Output } from './output.js';

/** Shows how a run goes; `stop` leaves the terminal tidy. */
export interface Progress {
  readonly reporter: Reporter;
  stop(): void;
}

/** A bar with remaining time, loss and top-1 on a terminal; plain lines elsewhere. */
export async function openProgress(output: Output): Promise<Progress> {
  return process.stderr.isTTY ? openBar() : lines(output);
}

/** Log lines as they come; a warning goes to stderr, and an error is the command's own to tell at the end. */
function lines(output: Output): Progress {
  const onLog = (line: string): void => {
    if (isError(line)) return;
    if (/ - WARNING - /.test(line)) process.stderr.write(`${line}\n`);
    else output.line(line);
  };
  return { reporter: { onLog }, stop: () => undefined };
}

const isError = (line: string): boolean => / - ERROR - /.test(line);

const STOPPED = 'stopped';

async function openBar(): Promise<Progress> {
  const { default: cliProgress } = await import('cli-progress');
  const bars = new cliProgress.MultiBar({
    format: '{task} {bar} {value}/{total}  eta {left}  loss {loss}  top-1 {top1}%{rate}',
    stream: process.stderr,
    barsize: 24,
    barCompleteChar: '=',
    barIncompleteChar: '-',
    hideCursor: true,
    clearOnComplete: false,
    stopOnComplete: false,
    forceRedraw: true,
    gracefulExit: false,
  });
  let bar: ReturnType<typeof bars.create> | undefined;
  let task = '';
  const draw = (name: string, done: number, total: number, shown: object): void => {
    if (bar && name !== task) {
      bars.remove(bar);
      bar = undefined;
    }
    task = name;
    bar ??= bars.create(total, 0, { task: name, left: '', loss: '', top1: '', rate: '' });
    bar.update(done, shown);
  };
  const began = new Map<string, number>();
  return {
    reporter: {
      // The bar tells of every iteration, so only what a bar can't tell is printed above it.
      onLog: (line) => {
        if (!isError(line) && !/ - INFO - Epoch \[\d+\/\d+\]\[/.test(line)) bars.log(`${line}\n`);
      },
      onIter: ({ epoch, maxEpochs, iter, batches, lr, running, eta }) =>
        draw(`epoch ${epoch}/${maxEpochs}`, iter, batches, {
          left: clock(eta),
          loss: running.loss.toFixed(4),
          top1: running.top1.toFixed(2),
          rate: `  lr ${Number(lr.toPrecision(3))}`,
        }),
      onEvaluate: ({ phase, done, batches, running }) => {
        const start = began.get(phase) ?? Date.now();
        began.set(phase, done === batches ? Date.now() : start);
        draw(phase, done, batches, {
          left: clock((((Date.now() - start) / 1000) * (batches - done)) / Math.max(1, done)),
          loss: running.loss.toFixed(4),
          top1: running.top1.toFixed(2),
          rate: '',
        });
        if (done === batches) began.delete(phase);
      },
    },
    stop: () => {
      if (bar) bars.remove(bar);
      if (task !== STOPPED) bars.stop();
      task = STOPPED;
    },
  };
}

/** `h:mm:ss` */
export function clock(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

/** Counts one thing up. */
export interface Counter {
  readonly at: (done: number, total: number) => void;
  stop(): void;
}

/** A bar on a terminal, a line for every tenth elsewhere. */
export async function openCounter(task: string, output: Output): Promise<Counter> {
  if (!process.stderr.isTTY) {
    let tenth = 0;
    const at = (done: number, total: number): void => {
      const now = Math.floor((10 * done) / Math.max(1, total));
      if (now > tenth) output.line(`${task}: ${done} of ${total}`);
      tenth = now;
    };
    return { at, stop: () => undefined };
  }
  const { default: cliProgress } = await import('cli-progress');
  const format = `${task} {bar} {value}/{total}  eta {eta_formatted}`;
  const bar = new cliProgress.SingleBar({
    format,
    stream: process.stderr,
    barsize: 24,
    hideCursor: true,
    gracefulExit: false,
  });
  let isOpen = false;
  return {
    at: (done, total) => {
      if (!isOpen) bar.start(total, 0);
      isOpen = true;
      bar.update(done);
    },
    stop: () => bar.stop(),
  };
}

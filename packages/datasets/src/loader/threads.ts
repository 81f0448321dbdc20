import { Worker } from 'node:worker_threads';

import { LoaderError } from '../errors.js';
import { threadEntry } from '../thread-entry.js';
import { type DatasetFacts } from './fill.js';
import { type Order, type Report, type WorkerSetup } from './messages.js';
import { revive } from './sample-error.js';
import { type Source } from './source.js';
import { type LoaderOptions } from './types.js';

interface Waiting {
  resolve(): void;
  reject(error: Error): void;
}

/** One thread and the tasks it has been given. */
interface Thread {
  readonly worker: Worker;
  readonly tasks: Map<number, Waiting>;
}

/** Prepares batches in worker threads. Each builds its own data set; only numbers travel, never arrays. */
export async function workerThreads(options: LoaderOptions, count: number): Promise<Source> {
  const generation = new Int32Array(new SharedArrayBuffer(4));
  const entry = threadEntry('worker.cjs');
  let dead: Error | undefined;
  let closing = false;
  let lastTask = 0;
  const threads: Thread[] = [];

  /** A worker that is gone ends everything: its batches would never come. */
  const fail = (error: Error): void => {
    dead ??= error;
    for (const { tasks } of threads) {
      for (const { reject } of tasks.values()) reject(dead);
      tasks.clear();
    }
  };
  const post = ({ worker }: Thread, order: Order): void => worker.postMessage(order);
  const close = async (): Promise<void> => {
    closing = true;
    fail(new LoaderError('the loader was closed'));
    await Promise.all(threads.map(({ worker }) => worker.terminate()));
  };

  const start = (number: number): Promise<DatasetFacts | undefined> =>
    new Promise((resolve, reject) => {
      const worker = spawn(entry, {
        dataset: options.dataset,
        imports: options.imports ?? [],
        seed: options.seed ?? 0,
        place: options.place,
        generation,
        probes: number === 0,
      });
      const tasks = new Map<number, Waiting>();
      threads.push({ worker, tasks });
      const gone = (why: string, cause?: unknown): void => {
        if (closing) return reject(dead);
        const error = new LoaderError(
          `worker ${number} of the batch loader ${why}${tasks.size > 0 ? ` with ${tasks.size} batches to prepare` : ''}:` +
            ' try workers_per_gpu 0 to see the error where it happens',
          { cause },
        );
        fail(error);
        reject(error);
      };
      worker.on('message', (report: Report) => {
        if (report.kind === 'ready') return resolve(report.facts);
        if (report.kind === 'failed') return reject(revive(report.error));
        const waiting = tasks.get(report.task);
        tasks.delete(report.task);
        if (report.error) waiting?.reject(revive(report.error));
        else waiting?.resolve();
      });
      worker.on('error', (error: Error) => gone(`died (${error.message})`, error));
      worker.on('messageerror', (error: Error) => gone(`sent what can't be read (${error.message})`, error));
      worker.on('exit', (code) => gone(`ended with exit code ${code}`));
    });

  let facts: DatasetFacts | undefined;
  try {
    [facts] = await Promise.all(Array.from({ length: count }, (_, number) => start(number)));
    if (!facts) throw new LoaderError('the first worker did not say what samples look like');
  } catch (error) {
    await close();
    throw error;
  }
  const hold = (alive: boolean): void => {
    for (const { worker } of threads) {
      if (alive) worker.ref();
      else worker.unref();
    }
  };
  hold(false);

  return {
    facts,
    ahead: true,
    hold,
    close,
    share(memories, plan) {
      for (const thread of threads) post(thread, { kind: 'slots', memories, plan });
    },
    fill(task) {
      if (dead) return Promise.reject(dead);
      const thread = threads.reduce((least, other) => (other.tasks.size < least.tasks.size ? other : least));
      const number = ++lastTask;
      return new Promise((resolve, reject) => {
        thread.tasks.set(number, { resolve, reject });
        post(thread, { kind: 'fill', task: number, generation: Atomics.load(generation, 0), ...task });
      });
    },
    cancel: () => void Atomics.add(generation, 0, 1),
  };
}

function spawn(entry: URL, setup: WorkerSetup): Worker {
  try {
    // Not this process's own flags: `--input-type` or a test runner's loader would break the worker.
    return new Worker(entry, { workerData: setup, execArgv: [] });
  } catch (error) {
    if ((error as Error).name !== 'DataCloneError') throw error;
    throw new LoaderError(
      `the data set's config must be plain data to reach a worker (${(error as Error).message}): name ops and` +
        ' data sets by type, or use 0 workers',
      { cause: error },
    );
  }
}

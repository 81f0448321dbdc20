import { type NdArray, ndarray } from '@bidl/formats';

import { LoaderError } from '../errors.js';
import { inProcess } from './in-process.js';
import { batchCount, epochOrder } from './order.js';
import { allocateSlot, sampleSize, type SlotPlan, viewSlot } from './slot.js';
import { type Source } from './source.js';
import { workerThreads } from './threads.js';
import { type Batch, type Loader, type LoaderOptions } from './types.js';

/**
 * Opens a data set for reading in batches. Worker threads prepare batches ahead in shared memory; the calling
 * thread only hands out numbers. The same seed gives the same batches, bit for bit, for any number of workers.
 *
 * @throws ConfigError, DatasetError or FormatError of the data set; LoaderError for options that can't be
 * @example
 * const loader = await createLoader({ dataset: config.data.train, batchSize: 16, workers: 2, shuffle: true });
 * for await (const batch of loader.epoch(0)) {
 *   train(batch.img, batch.gt_label);
 *   batch.release();
 * }
 * await loader.close();
 */
export async function createLoader(options: LoaderOptions): Promise<Loader> {
  const { batchSize, workers = 0, prefetch = Math.max(2, 2 * workers) } = options;
  positive('batchSize', batchSize, 1);
  positive('workers', workers, 0);
  positive('prefetch', prefetch, 1);
  const source = workers === 0 ? await inProcess(options) : await workerThreads(options, workers);
  try {
    return serve(source, options, prefetch);
  } catch (error) {
    await source.close();
    throw error;
  }
}

interface Pending {
  readonly slot: number;
  readonly count: number;
  readonly filled: Promise<void>;
}

function serve(source: Source, options: LoaderOptions, prefetch: number): Loader {
  const { batchSize, shuffle = false, seed = 0, dropLast = false } = options;
  const { length, classes, sampleShape, dtype } = source.facts;
  const plan: SlotPlan = { batchSize, sampleShape, dtype };
  const batches = batchCount(length, batchSize, dropLast);
  // One more than prepared ahead for the batch in the caller's hands, one for the batch it asks for meanwhile.
  const count = Math.max(2, Math.min(prefetch + 2, batches));
  const memories = Array.from({ length: count }, () => allocateSlot(plan));
  const slots = memories.map((memory) => viewSlot(memory, plan));
  source.share(memories, plan);
  let free: number[] = [];
  /** Counts the epochs begun: batches of an earlier one have lost their memory. */
  let turn = 0;
  let running = false;
  let closed = false;
  /** Prepares what can be prepared; a batch that is released calls it. */
  let advance = (): void => undefined;

  const batchOf = ({ slot: number, count: used }: Pending): Batch => {
    const slot = slots[number];
    if (!slot) throw new LoaderError(`there is no slot ${number}`);
    const mine = turn;
    let released = false;
    const data = slot.img.subarray(0, used * sampleSize(plan));
    return {
      img: ndarray(data, [used, ...sampleShape], dtype) as NdArray<Uint8Array | Float32Array>,
      gt_label: slot.gt_label.subarray(0, used),
      index: slot.index.subarray(0, used),
      release() {
        if (released || mine !== turn) return;
        released = true;
        free.push(number);
        advance();
      },
    };
  };

  async function* epoch(n: number): AsyncGenerator<Batch, void, undefined> {
    if (closed) throw new LoaderError('the loader is closed');
    if (running) throw new LoaderError('an epoch is under way: end its loop before the next one starts');
    running = true;
    turn++;
    free = slots.map((_, i) => i);
    const order = epochOrder(length, seed, n, shuffle);
    const pending: Pending[] = [];
    let next = 0;
    const prepare = (): boolean => {
      const slot = free[0];
      if (next >= batches || slot === undefined) return false;
      free.shift();
      const samples = order.subarray(next * batchSize, Math.min(length, (next + 1) * batchSize));
      slots[slot]?.index.set(samples);
      const filled = source.fill({ slot, count: samples.length, epoch: n });
      filled.catch(() => undefined);
      pending.push({ slot, count: samples.length, filled });
      next++;
      return true;
    };
    const prepareAhead = (): void => {
      while (pending.length < prefetch && prepare());
    };
    source.hold(true);
    try {
      if (source.ahead) {
        advance = prepareAhead;
        prepareAhead();
      }
      for (let i = 0; i < batches; i++) {
        if (pending.length === 0 && !prepare()) {
          throw new LoaderError(
            `all ${count} batches are in use: call release() on a batch before asking for the next one`,
          );
        }
        const first = pending[0];
        if (!first) break;
        await first.filled;
        pending.shift();
        const batch = batchOf(first);
        if (source.ahead) prepareAhead();
        yield batch;
        if (closed) throw new LoaderError(`the loader was closed during epoch ${n}`);
      }
    } finally {
      advance = () => undefined;
      source.cancel();
      await Promise.allSettled(pending.map(({ filled }) => filled));
      source.hold(false);
      running = false;
    }
  }

  return {
    length,
    batches,
    classes,
    sampleShape,
    epoch,
    async close() {
      if (closed) return;
      closed = true;
      await source.close();
    },
  };
}

function positive(name: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least) {
    throw new LoaderError(`${name} must be a whole number of at least ${least}, not ${value}`);
  }
}

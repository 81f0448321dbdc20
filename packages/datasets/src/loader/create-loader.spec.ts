import { Worker } from 'node:worker_threads';

import { type Batch, createLoader, type Loader, LoaderError, type LoaderOptions } from '../index.js';
import { userModule } from './user-module.fixture.js';

// jiti imports natively, which jest's sandbox can't; jest reads TypeScript itself. Worker threads use the real one.
jest.mock('jiti', () => ({
  createJiti: () => ({ import: (path: string) => Promise.resolve().then(() => jest.requireActual(path)) }),
}));

const user = userModule();
afterAll(() => user.remove());

const open: Loader[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((loader) => loader.close()));
});

const load = async (dataset: object = {}, options: Partial<LoaderOptions> = {}): Promise<Loader> => {
  const loader = await createLoader({
    dataset: { type: 'Counting', data_prefix: 'nowhere', pipeline: [{ type: 'Noise' }], ...dataset },
    batchSize: 4,
    imports: [user.path],
    seed: 5,
    ...options,
  });
  open.push(loader);
  return loader;
};

interface Copy {
  readonly img: number[];
  readonly shape: readonly number[];
  readonly labels: number[];
  readonly index: number[];
}

const copy = (batch: Batch): Copy => ({
  img: Array.from(batch.img.data),
  shape: batch.img.shape,
  labels: Array.from(batch.gt_label),
  index: Array.from(batch.index),
});

const epoch = async (loader: Loader, n = 0): Promise<Copy[]> => {
  const copies: Copy[] = [];
  for await (const batch of loader.epoch(n)) {
    copies.push(copy(batch));
    batch.release();
  }
  return copies;
};

const failure = async (act: Promise<unknown>): Promise<Error & { index?: number; file?: string }> => {
  try {
    await act;
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
};

describe.each([0, 1, 2])('a loader with %i workers', (workers) => {
  it('says what there is', async () => {
    const loader = await load({}, { workers });
    expect(loader).toMatchObject({
      length: 10,
      batches: 3,
      classes: ['even', 'odd'],
      sampleShape: [2, 2, 2, 1],
    });
  });

  it('gives every sample once, the last batch as large as it is', async () => {
    const batches = await epoch(await load({}, { workers }));
    expect(batches.map(({ shape }) => shape)).toEqual([
      [4, 2, 2, 2, 1],
      [4, 2, 2, 2, 1],
      [2, 2, 2, 2, 1],
    ]);
    expect(batches.flatMap(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(batches.flatMap(({ labels }) => labels)).toEqual([0, 1, 0, 1, 0, 1, 0, 1, 0, 1]);
    batches.forEach(({ img, index }) => {
      img.forEach((value, i) => expect(Math.floor(value)).toBe(index[Math.floor(i / 8)]));
    });
  });

  it('leaves out the last batch when told to', async () => {
    const loader = await load({}, { workers, dropLast: true });
    expect(loader.batches).toBe(2);
    expect((await epoch(loader)).map(({ shape }) => shape[0])).toEqual([4, 4]);
  });

  it('gives the same batches for any number of workers, shuffled anew in every epoch', async () => {
    const loader = await load({ count: 37 }, { workers, shuffle: true, prefetch: 3 });
    const reference = await load({ count: 37 }, { workers: 0, shuffle: true });
    const [first, second] = [await epoch(loader, 3), await epoch(loader, 4)];
    expect(first).toEqual(await epoch(reference, 3));
    expect(second).toEqual(await epoch(reference, 4));
    expect(await epoch(loader, 3)).toEqual(first);
    const order = (batches: Copy[]): number[] => batches.flatMap(({ index }) => index);
    expect(order(first)).not.toEqual(order(second));
    expect(order(second).sort((a, b) => a - b)).toEqual(Array.from({ length: 37 }, (_, i) => i));
    const other = await epoch(await load({ count: 37 }, { workers, shuffle: true, seed: 6 }), 3);
    expect(order(other)).not.toEqual(order(first));
  });

  it('keeps bytes', async () => {
    const loader = await load(
      { bytes: true, pipeline: [{ type: 'ToTensorType', dtype: 'float32' }] },
      { workers },
    );
    for await (const batch of loader.epoch(0)) {
      expect(batch.img.dtype).toBe('uint8');
      expect(Object.prototype.toString.call(batch.img.data.buffer)).toBe('[object SharedArrayBuffer]');
      batch.release();
    }
  });

  it('can be left in the middle, and begins anew', async () => {
    const loader = await load({ count: 100 }, { workers });
    for (let round = 0; round < 5; round++) {
      for await (const batch of loader.epoch(round)) {
        if (batch.index[0] === 8) break;
        if (round % 2 === 0) batch.release();
      }
    }
    expect((await epoch(loader)).flatMap(({ index }) => index)).toHaveLength(100);
  });

  it('waits for no batch that cannot come: all in use is an error', async () => {
    const loader = await load({ count: 100 }, { workers, prefetch: 2 });
    const held: Batch[] = [];
    const error = await failure(
      (async () => {
        for await (const batch of loader.epoch(0)) held.push(batch);
      })(),
    );
    expect(error.message).toBe(
      'all 4 batches are in use: call release() on a batch before asking for the next one',
    );
    expect(held).toHaveLength(4);
  });

  it('takes a second release, and one after the epoch, for nothing', async () => {
    const loader = await load({ count: 40 }, { workers, prefetch: 1 });
    const old: Batch[] = [];
    for await (const batch of loader.epoch(0)) {
      batch.release();
      batch.release();
      old.push(batch);
    }
    const seen: number[] = [];
    for await (const batch of loader.epoch(1)) {
      old.forEach((stale) => stale.release());
      await new Promise((resolve) => setTimeout(resolve, 2));
      seen.push(...batch.index);
      batch.release();
    }
    expect(seen).toEqual(Array.from({ length: 40 }, (_, i) => i));
  });

  it('gives the error of a sample under its own name, with number and file, and goes on afterwards', async () => {
    const loader = await load({ fail: 6 }, { workers });
    const seen: number[] = [];
    const error = await failure(
      (async () => {
        for await (const batch of loader.epoch(0)) {
          seen.push(...batch.index);
          batch.release();
        }
      })(),
    );
    expect(error).toMatchObject({
      name: 'PipelineError',
      message: 'sample 6 (clip-6.bin): Noise failed',
      index: 6,
      file: 'clip-6.bin',
    });
    expect(seen).toEqual([0, 1, 2, 3]);
    expect((await failure(epoch(loader))).message).toBe(error.message);
  });

  it('refuses samples of different shapes', async () => {
    const error = await failure(epoch(await load({ odd: 3 }, { workers })));
    expect(error.name).toBe('LoaderError');
    expect(error.message).toContain(
      'sample 3 (clip-3.bin): img has shape [1, 2, 2, 2], but the first sample has [2, 2, 2, 1]',
    );
  });

  it('reports what is wrong with the data set when it is opened', async () => {
    const unknown = await failure(load({ type: 'Countin' }, { workers, place: 'data.train' }));
    expect(unknown.name).toBe('ConfigError');
    expect(unknown.message).toContain('data.train.type "Countin" is unknown. Did you mean "Counting"?');
    const step = await failure(load({ pipeline: [{ type: 'Noize' }] }, { workers, place: 'data.train' }));
    expect(step.message).toContain('data.train.pipeline[0].type "Noize" is unknown. Did you mean "Noise"?');
    const missing = await failure(
      load({ type: 'NMNIST', data_prefix: '/nowhere/Train', pipeline: [] }, { workers }),
    );
    expect(missing.name).toBe('DatasetError');
    expect(missing.message).toContain('bidl datasets make event-digits');
    expect((await failure(load({ fail: 0 }, { workers }))).message).toBe(
      'sample 0 (clip-0.bin): Noise failed',
    );
    expect((await failure(load({}, { workers, imports: ['/nowhere/mine.ts'] }))).message).toContain(
      "custom import /nowhere/mine.ts can't be loaded",
    );
  });

  it('reads an empty data set', async () => {
    const loader = await load({ count: 0 }, { workers });
    expect(loader.batches).toBe(0);
    expect(await epoch(loader)).toEqual([]);
  });

  it('lets one epoch run at a time', async () => {
    const loader = await load({}, { workers });
    const first = loader.epoch(0)[Symbol.asyncIterator]();
    await first.next();
    expect((await failure(epoch(loader, 1))).message).toContain('an epoch is under way');
    await first.return?.();
    expect(await epoch(loader, 1)).toHaveLength(3);
  });

  it('ends with close', async () => {
    const loader = await load({ count: 100 }, { workers });
    const iterator = loader.epoch(0)[Symbol.asyncIterator]();
    await iterator.next();
    await loader.close();
    await loader.close();
    expect((await failure(iterator.next())).message).toMatch(/was closed/);
    expect((await failure(epoch(loader))).message).toBe('the loader is closed');
  });
});

describe('worker threads', () => {
  it('that die are an error, not a wait', async () => {
    const loader = await load({ exit: 5 }, { workers: 2 });
    const error = await failure(epoch(loader));
    expect(error).toBeInstanceOf(LoaderError);
    expect(error.message).toMatch(/^worker \d of the batch loader ended with exit code 7/);
    expect((await failure(epoch(loader))).message).toBe(error.message);
  });

  it('that die while they start are an error too', async () => {
    const broken = userModule('process.exit(3);');
    const error = await failure(load({}, { workers: 1, imports: [broken.path] }));
    broken.remove();
    expect(error.message).toContain('worker 0 of the batch loader ended with exit code 3');
  });

  it('need a config that is plain data', async () => {
    const error = await failure(load({ pipeline: [(sample: unknown) => sample] }, { workers: 1 }));
    expect(error.message).toContain("the data set's config must be plain data");
  });

  it('are gone after close', async () => {
    const ended: Promise<unknown>[] = [];
    const terminate = jest.spyOn(Worker.prototype, 'terminate').mockImplementation(function (this: Worker) {
      terminate.mockRestore();
      const promise = Worker.prototype.terminate.call(this);
      ended.push(promise);
      return promise;
    });
    const loader = await load({}, { workers: 1 });
    await epoch(loader);
    await loader.close();
    expect(ended).toHaveLength(1);
    expect(await ended[0]).toBe(1);
  });

  it('prepare batches while the caller computes', async () => {
    const loader = await load({ count: 40 }, { workers: 2, prefetch: 4 });
    const iterator = loader.epoch(0)[Symbol.asyncIterator]();
    const first = (await iterator.next()).value as Batch;
    // This thread is busy and answers no messages; the four batches in order are made all the same.
    const until = performance.now() + 500;
    while (performance.now() < until);
    first.release();
    const start = performance.now();
    for (let i = 0; i < 3; i++) ((await iterator.next()).value as Batch).release();
    expect(performance.now() - start).toBeLessThan(250);
    await iterator.return?.();
  });
});

describe('options', () => {
  it.each([
    [{ batchSize: 0 }, 'batchSize must be a whole number of at least 1, not 0'],
    [{ workers: -1 }, 'workers must be a whole number of at least 0, not -1'],
    [{ prefetch: 1.5 }, 'prefetch must be a whole number of at least 1, not 1.5'],
  ])('%j are refused', async (options, message) => {
    expect((await failure(load({}, options))).message).toBe(message);
  });
});

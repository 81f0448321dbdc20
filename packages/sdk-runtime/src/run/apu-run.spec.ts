import { ndarray } from '@bidl/formats';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createExecutor, packStates, runSequence, stateTable } from '@bidl/graph';
import { DriverError, InputError } from '../errors.js';
import { openSimulator, type Simulator } from '../simulator/simulator.js';
import { compileTo, randomSample, reference, spikingNetwork, temporaryFolder } from '../testing/artifacts.js';
import { chance } from '../testing/networks.js';
import { ApuRun } from './apu-run.js';
import { ApuRunSingle } from './apu-run-single.js';

const folder = temporaryFolder();
const temporary = temporaryFolder();
const graph = spikingNetwork();
let path: string;
let driver: Simulator;
beforeAll(async () => {
  path = await compileTo(folder.path, graph);
}, 120_000);
beforeEach(async () => {
  driver = await openSimulator({ devices: 2 });
}, 120_000);
afterEach(() => {
  expect(driver.usage()).toEqual({
    contexts: 0,
    streams: 0,
    events: 0,
    models: 0,
    buffers: 0,
    bytes: 0,
    glbBytes: 0,
  });
  driver.close();
});
afterAll(() => {
  folder.remove();
  temporary.remove();
});

const samples = (count: number, seed = 1) => {
  const rnd = chance(seed);
  return Array.from({ length: count }, () => randomSample(rnd));
};

/** Opens a run, and disposes it whatever happens. */
async function using<T>(run: ApuRun, work: (run: ApuRun) => Promise<T>): Promise<T> {
  try {
    return await work(run);
  } finally {
    await run.dispose();
  }
}

test('every step of every sample is the reference executor, bit for bit', async () => {
  const all = samples(8);
  await using(new ApuRun(0, path, 4, { driver }), async (run) => {
    for (const sample of all) await run.run(sample);
    const outputs = await run.getOutput();
    expect(outputs.map(([logits]) => logits.shape)).toEqual(all.map(() => [4, 3]));
    expect(outputs.map(([logits]) => [...logits.data])).toEqual(all.map((s) => reference(graph, s)));
    expect(await run.getOutput()).toEqual([]);
  });
});

test('the state after a run lies on the device as the artifact says', async () => {
  const [sample] = samples(1);
  const steps = [0, 1, 2, 3].map((t) => [sample.data.slice(t * 60, (t + 1) * 60)]);
  const { state } = runSequence(createExecutor(graph), steps, 1);
  await using(new ApuRun(0, path, 4, { driver }), async (run) => {
    await run.run(sample);
    expect(await run.readState()).toEqual(packStates(stateTable(graph), state, 1));
  });
});

test('the order of samples does not matter', async () => {
  const all = samples(6, 3);
  const order = [4, 1, 5, 0, 2, 3];
  const [straight, shuffled] = await using(new ApuRun(0, path, 4, { driver }), async (run) => {
    for (const sample of all) await run.run(sample);
    const first = await run.getOutput();
    await Promise.all(order.map((i) => run.run(all[i])));
    return [first, await run.getOutput()];
  });
  order.forEach((i, k) => expect(shuffled[k]).toEqual(straight[i]));
});

test.each([1, 2, 4, 7, 14, 28])('a batch of %i gives each sample what it would get alone', async (n) => {
  const all = samples(n, n);
  const batch = ndarray(Uint8Array.from(all.flatMap(({ data }) => [...data])), [n, 4, 6, 5, 2]);
  await using(new ApuRun(0, await compileTo(folder.path, graph, n), 4, { driver }), async (run) => {
    expect(run.batch).toBe(n);
    await run.run(batch);
    const [[logits]] = await run.getOutput();
    expect(logits.shape).toEqual(n === 1 ? [4, 3] : [4, n, 3]);
    all.forEach((sample, b) => {
      const own = [0, 1, 2, 3].flatMap((t) => [...logits.data.slice((t * n + b) * 3, (t * n + b + 1) * 3)]);
      expect(own).toEqual(reference(graph, sample));
    });
  });
});

test('two models on one device do not touch each other', async () => {
  const other = spikingNetwork(2);
  const otherPath = await compileTo(folder.path, other);
  const all = samples(5, 9);
  await using(new ApuRun(0, path, 4, { driver }), (a) =>
    using(new ApuRun(0, otherPath, 4, { driver }), async (b) => {
      await Promise.all(all.flatMap((sample) => [a.run(sample), b.run(sample)]));
      expect((await a.getOutput()).map(([l]) => [...l.data])).toEqual(all.map((s) => reference(graph, s)));
      expect((await b.getOutput()).map(([l]) => [...l.data])).toEqual(all.map((s) => reference(other, s)));
    }),
  );
});

test('describes the model as upstream prints it, and tells about outputs', async () => {
  const lines: string[] = [];
  const counts: number[] = [];
  const options = {
    driver,
    log: (line: string) => lines.push(line),
    onOutput: (n: number) => counts.push(n),
  };
  await using(new ApuRun(1, path, 4, options), async (run) => {
    await run.run(samples(1)[0]);
    await run.run(samples(1)[0]);
    await run.getOutput();
  });
  expect(lines).toEqual([
    '######## model informations ########',
    ...['batchsize: 1', 'inputnum: 1', 'inputshape: [[6,5,2]]', 'inputdatalen: 60', 'inputdatatype: 5'],
    ...['outputnum: 1', 'outputshape: [[3]]', 'outputdatalen: 12', 'outputdatatype: 0'],
    '####################################',
  ]);
  expect(counts).toEqual([1, 2]);
});

test('step by step: the same outputs, and a state that can be taken away and put back', async () => {
  const [sample] = samples(1, 11);
  const want = reference(graph, sample);
  const run = new ApuRunSingle(0, path, 4, { driver });
  const frame = (t: number) => ndarray(sample.data.slice(t * 60, (t + 1) * 60), [1, 6, 5, 2]);
  for (const round of [0, 1]) {
    for (let t = 0; t < 4; t++) {
      const [logits] = await run.step(frame(t));
      expect([round, ...logits.data]).toEqual([round, ...want.slice(t * 3, t * 3 + 3)]);
    }
  }
  await run.step(frame(0));
  const state = await run.readState();
  await run.step(frame(3));
  await run.writeState(state);
  const [logits] = await run.step(frame(1));
  expect([...logits.data]).toEqual(want.slice(3, 6));
  await run.dispose();
});

describe('what does not fit is named', () => {
  const [sample] = samples(1);
  const failing = (work: () => unknown) => {
    try {
      work();
    } catch (error) {
      return error as DriverError;
    }
    throw new Error('nothing was thrown');
  };

  test('unknown device', () => {
    for (const id of [2, -1, 0.5]) {
      const error = failing(() => new ApuRun(id, path, 4, { driver }));
      expect(error).toMatchObject({ name: 'DriverError', call: 'lynCreateContext', code: 112002 });
      expect(error.message).toContain(`device ${id}: there are 2, numbered from 0`);
    }
  });
  test('no artifact', () => {
    const error = failing(() => new ApuRun(0, `${folder.path}/nothing/Net_0`, 4, { driver }));
    expect(error).toMatchObject({ name: 'DriverError', call: 'lynLoadModel', code: 104011 });
    expect(error.message).toContain('there is no such artifact');
  });
  test('an artifact that was damaged, or is of another version', async () => {
    const damaged = await compileTo(temporary.path, graph);
    const change = (file: string, from: string, to: string) => {
      const at = join(damaged, file);
      writeFileSync(at, readFileSync(at, 'utf8').replace(from, to));
    };
    change('top_graph.json', 'logits', 'logitz');
    expect(failing(() => new ApuRun(0, damaged, 4, { driver }))).toMatchObject({
      call: 'lynLoadModel',
      code: 104012,
      message: expect.stringContaining('Net_0/top_graph.json: the checksum differs') as string,
    });
    change('../net_params.json', '"version": 2', '"version": 1');
    expect(failing(() => new ApuRun(0, damaged, 4, { driver })).message).toContain(
      'the artifact has format version 1, this library reads version 2',
    );
  });
  test('a batch that the model was not compiled for', () => {
    const context = driver.createContext(0);
    const [model, stream, memory] = [driver.loadModel(path), driver.createStream(), driver.malloc(4096)];
    expect(failing(() => driver.modelSendInputAsync(stream, model, memory, memory, 2))).toMatchObject({
      call: 'lynModelSendInputAsync',
      code: 104017,
      message: expect.stringContaining('was compiled for 1 sample(s), not 2') as string,
    });
    driver.destroyContext(context);
  });
  test('another T', () => {
    const error = failing(() => new ApuRun(0, path, 5, { driver }));
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toContain('T is 5, but the model was compiled for 4 steps');
  });
  test('out of device memory', async () => {
    const small = await openSimulator({ memoryBytes: 2048 });
    const error = failing(() => new ApuRun(0, path, 4, { driver: small }));
    expect(error).toMatchObject({ name: 'DriverError', code: 100008 });
    expect(error.message).toMatch(/device 0 has 2048 bytes, \d+ are in use, \d+ were asked for/);
    expect(small.usage()).toMatchObject({ contexts: 0, bytes: 0 });
    small.close();
  });
  test.each([
    ['T', [5, 6, 5, 2], /T = 5; the model takes 4 steps. Give \[4, 6, 5, 2\]/],
    ['shape', [4, 5, 6, 2], /"data" is \[4, 5, 6, 2\]: another shape/],
    ['batch', [2, 4, 6, 5, 2], /a batch of 2; the model was compiled for 1/],
  ] as const)('another %s of a sample, and the run goes on', async (_, shape, message) => {
    const data = new Uint8Array(shape.reduce<number>((x, y) => x * y, 1));
    await using(new ApuRun(0, path, 4, { driver }), async (run) => {
      await expect(run.run(ndarray(data, shape))).rejects.toThrow(message);
      await expect(run.run([sample, sample])).rejects.toThrow('the model takes 1 input(s) (data), got 2');
      await run.run(sample);
      expect(await run.getOutput()).toHaveLength(1);
    });
  });
  test('a run that was disposed', async () => {
    const run = new ApuRun(0, path, 4, { driver });
    await run.dispose();
    await run.dispose();
    await expect(run.run(sample)).rejects.toThrow('this run was disposed');
  });
});

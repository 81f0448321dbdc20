import { ndarray } from '@bidl/formats';
import { DriverError } from '../errors.js';
import { type Fault } from '../simulator/faults.js';
import { openSimulator, type Simulator } from '../simulator/simulator.js';
import { compileTo, randomSample, spikingNetwork, temporaryFolder } from '../testing/artifacts.js';
import { chance } from '../testing/networks.js';
import { ApuRun } from './apu-run.js';
import { ApuRunSingle } from './apu-run-single.js';

const folder = temporaryFolder();
const sample = randomSample(chance(1));
const frame = ndarray(sample.data.slice(0, 60), [1, 6, 5, 2]);
let path: string;
const nothing = { contexts: 0, streams: 0, events: 0, models: 0, buffers: 0, bytes: 0, glbBytes: 0 };

/** Whole lives: what a run does from its making to its end. */
const lives: Readonly<Record<string, (driver: Simulator) => Promise<void>>> = {
  async ApuRun(driver) {
    const run = new ApuRun(0, path, 4, { driver });
    try {
      for (let i = 0; i < 5; i++) await run.run(sample);
      await run.getOutput();
      await run.readState();
    } finally {
      await run.dispose();
    }
  },
  async ApuRunSingle(driver) {
    const run = new ApuRunSingle(0, path, 4, { driver });
    try {
      for (let t = 0; t < 5; t++) await run.step(frame);
      await run.writeState(await run.readState());
      await run.step(frame);
    } finally {
      await run.dispose();
    }
  },
};

/** How often a life makes each call. */
async function callsOf(life: (driver: Simulator) => Promise<void>): Promise<ReadonlyMap<string, number>> {
  const driver = await openSimulator();
  await life(driver);
  expect(driver.usage()).toEqual(nothing);
  driver.close();
  return driver.calls;
}

/** Lives with a fault, and sees that it comes out as one named error, and that nothing is left. */
async function lifeWith(life: (driver: Simulator) => Promise<void>, fault: Fault): Promise<void> {
  const driver = await openSimulator({ faults: [fault] });
  const error = await life(driver).then(
    () => undefined,
    (e: unknown) => e,
  );
  expect({ fault, error }).toEqual({ fault, error: expect.any(DriverError) as unknown });
  expect({ fault, error }).toMatchObject({ error: { call: fault.call, code: fault.code } });
  expect({ fault, left: driver.usage() }).toEqual({ fault, left: nothing });
  if (fault.when === 'execution') await life(driver); // the device works again: the failure went with its context
  driver.close();
}

/** What only puts a command into a stream, so that it can fail on the device. */
const isQueued = (call: string): boolean =>
  /Async/.test(call) ||
  ['lynStreamAddCallback', 'lynStreamWaitEvent', 'lynRecordEvent', 'lynSynchronizeStream'].includes(call);

const unhandled: unknown[] = [];
const note = (error: unknown) => void unhandled.push(error);
beforeAll(async () => {
  path = await compileTo(folder.path, spikingNetwork());
  process.on('unhandledRejection', note);
}, 120_000);
afterAll(() => {
  process.off('unhandledRejection', note);
  folder.remove();
});

test('a run makes the calls that upstream makes', async () => {
  expect([...(await callsOf(lives.ApuRun)).keys()].sort()).toEqual(
    [
      ...['lynGetDeviceCount', 'lynCreateContext', 'lynSetCurrentContext', 'lynRegisterErrorHandler'],
      ...['lynCreateStream', 'lynCreateEvent', 'lynLoadModel', 'lynModelGetDesc', 'lynMalloc'],
      ...['lynMemcpyAsync', 'lynStreamWaitEvent', 'lynModelResetAsync'],
      ...['lynModelSendInputAsync', 'lynModelRecvOutputAsync', 'lynRecordEvent', 'lynStreamAddCallback'],
      ...['lynMemcpy', 'lynMemcpyEx', 'lynSynchronizeStream', 'lynFree', 'lynDestroyEvent'],
      ...['lynDestroyStream', 'lynUnloadModel', 'lynDestroyContext'],
    ].sort(),
  );
});

describe.each(Object.keys(lives))('%s', (name) => {
  const life = lives[name];

  test('a fault at any call of its life is one named error, and everything is given back', async () => {
    for (const [call, count] of await callsOf(life)) {
      for (let nth = 1; nth <= count; nth++) await lifeWith(life, { call, nth, code: 104027 });
    }
    expect(unhandled).toEqual([]);
  });

  test('a fault of any command on the device comes back from there with the name of its call', async () => {
    for (const [call, count] of await callsOf(life)) {
      if (!isQueued(call)) continue;
      for (let nth = 1; nth <= count; nth++)
        await lifeWith(life, { call, nth, when: 'execution', code: 104004 });
    }
    expect(unhandled).toEqual([]);
  });
});

test('after the first error every call gives the same one', async () => {
  const driver = await openSimulator({ faults: [{ call: 'lynModelSendInputAsync', nth: 2 }] });
  const run = new ApuRun(0, path, 4, { driver });
  const first = await run.run(sample).catch((error: unknown) => error);
  expect(first).toMatchObject({ call: 'lynModelSendInputAsync', code: 104002 });
  await expect(run.run(sample)).rejects.toBe(first);
  await expect(run.getOutput()).rejects.toBe(first);
  await run.dispose();
  expect(driver.usage()).toEqual(nothing);
  driver.close();
});

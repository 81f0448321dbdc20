import { DriverError } from '../errors.js';
import { type Fault } from '../simulator/faults.js';
import { openSimulator, type Simulator } from '../simulator/simulator.js';
import { compileTo, randomSample, spikingNetwork, temporaryFolder } from '../testing/artifacts.js';
import { chance } from '../testing/networks.js';
import { ApuRun } from './apu-run.js';

const folder = temporaryFolder();
const sample = randomSample(chance(1));
const calls = new Map<string, number>();
let path: string;
const nothing = { contexts: 0, streams: 0, events: 0, models: 0, buffers: 0, bytes: 0 };

/** A whole life of a run: five samples and the end. */
async function life(driver: Simulator): Promise<void> {
  const run = new ApuRun(0, path, 4, { driver });
  try {
    for (let i = 0; i < 5; i++) await run.run(sample);
    await run.getOutput();
  } finally {
    await run.dispose();
  }
}

/** The errors of a life with a fault, and what is left of it. */
async function lifeWith(fault: Fault): Promise<{ error: unknown; driver: Simulator }> {
  const driver = await openSimulator({ faults: [fault] });
  const error = await life(driver).then(
    () => undefined,
    (e: unknown) => e,
  );
  return { error, driver };
}

beforeAll(async () => {
  path = await compileTo(folder.path, spikingNetwork());
  const driver = await openSimulator();
  await life(driver);
  for (const [call, count] of driver.calls) calls.set(call, count);
  driver.close();
}, 120_000);
afterAll(() => folder.remove());

test('a run makes the calls that upstream makes', () => {
  expect([...calls.keys()].sort()).toEqual(
    [
      ...['lynGetDeviceCount', 'lynCreateContext', 'lynSetCurrentContext', 'lynRegisterErrorHandler'],
      ...[
        'lynCreateStream',
        'lynCreateEvent',
        'lynLoadModel',
        'lynModelGetDesc',
        'lynMalloc',
        'lynMemcpyAsync',
      ],
      ...['lynStreamWaitEvent', 'lynModelResetAsync', 'lynModelSendInputAsync', 'lynModelRecvOutputAsync'],
      ...['lynRecordEvent', 'lynStreamAddCallback', 'lynMemcpy', 'lynSynchronizeStream'],
      ...['lynFree', 'lynDestroyEvent', 'lynDestroyStream', 'lynUnloadModel', 'lynDestroyContext'],
    ].sort(),
  );
});

test('a fault at any call, its first or its last, is one named error, and everything is given back', async () => {
  for (const [call, count] of calls) {
    for (const nth of new Set([1, Math.ceil(count / 2), count])) {
      const { error, driver } = await lifeWith({ call, nth, code: 104027 });
      expect([call, nth, error]).toEqual([call, nth, expect.any(DriverError)]);
      expect(error).toMatchObject({ call, code: 104027 });
      expect([call, nth, driver.usage()]).toEqual([call, nth, nothing]);
      driver.close();
    }
  }
});

test('a fault on the device comes back from there with the same name', async () => {
  const queued = [
    ...['lynMemcpyAsync', 'lynStreamWaitEvent', 'lynModelResetAsync', 'lynModelSendInputAsync'],
    ...['lynModelRecvOutputAsync', 'lynRecordEvent', 'lynStreamAddCallback', 'lynSynchronizeStream'],
  ];
  for (const call of queued) {
    for (const nth of new Set([1, Math.max(1, (calls.get(call) ?? 1) - 1)])) {
      const { error, driver } = await lifeWith({ call, nth, when: 'execution', code: 104004 });
      expect([call, nth, error]).toEqual([call, nth, expect.any(DriverError)]);
      expect(error).toMatchObject({ call, code: 104004 });
      expect(driver.usage()).toEqual(nothing);
      await life(driver); // the device works again: the failure went with its context
      driver.close();
    }
  }
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

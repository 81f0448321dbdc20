import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as compiler from '@bidl/compile';
import { train } from '@bidl/runner';
import { openSimulator, type SimulatorOptions } from '@bidl/sdk-runtime';

import { deploy } from './deploy.js';
import { barsConfig } from './testing/bars.js';

jest.mock('@bidl/compile', () => {
  const actual = jest.requireActual<typeof compiler>('@bidl/compile');
  return { ...actual, openComparison: jest.fn(actual.openComparison) };
});

let folder: string;
let checkpoint: string;
const config = barsConfig();
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'bidl-deploy-faults-'));
  ({ latest: checkpoint } = await train(config, { workDir: path.join(folder, 'run') }));
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Deploys on a simulator of its own and looks that nothing is left there. */
async function deployOn(options: SimulatorOptions): Promise<{ error: unknown }> {
  const driver = await openSimulator(options);
  const out = path.join(folder, 'artifact');
  const error = await deploy(config, { checkpoint, driver, out, compare: 10 }).then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(Object.values(driver.usage()).every((count) => count === 0)).toBe(true);
  driver.close();
  return { error };
}

test('without a fault nothing fails, and nothing is left', async () => {
  expect((await deployOn({})).error).toBeUndefined();
});

// Every call of the runtime is failed in the specs of @bidl/sdk-runtime; here one for each part of a deployment.
test.each([
  ['lynCreateContext', 1],
  ['lynLoadModel', 2],
  ['lynMalloc', 3],
  ['lynMemcpyEx', 30],
  ['lynModelSendInputAsync', 40],
  ['lynFree', 5],
])('%s fails when it is used the %i. time: that is the error, and nothing is left', async (call, nth) => {
  const { error } = await deployOn({ faults: [{ call, nth, code: 104027 }] });
  expect(error).toMatchObject({ name: 'DriverError', call, code: 104027 });
});

test('when the comparison with the host cannot be opened, the device is given back', async () => {
  jest.mocked(compiler.openComparison).mockRejectedValueOnce(new RangeError('no comparison'));
  expect((await deployOn({})).error).toEqual(new RangeError('no comparison'));
});

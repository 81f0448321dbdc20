/** @jest-environment ../compile/src/testing/one-realm-environment.cjs */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { train } from '@bidl/runner';

import { deploy, type DeployOptions } from './deploy.js';
import { barsConfig } from './testing/bars.js';

let folder: string;
let checkpoint: string;
const config = barsConfig();
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'bidl-deploy-onnx-'));
  ({ latest: checkpoint } = await train(config, { workDir: path.join(folder, 'run') }));
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (options: Partial<DeployOptions> = {}, on = config) =>
  deploy(on, { checkpoint, target: 'onnx', out: path.join(folder, 'onnx'), ...options });

test('runs the test set through onnxruntime and compares it with the host', async () => {
  const result = await run();
  expect(result).toMatchObject({
    ...{ target: 'onnx', samples: 30, input_type: 'uint8', simulator_equal: null },
    ...{ predictions_differ: 0, host_flips_unexplained: 0 },
  });
  expect(result.host_flip_rate).toBeLessThan(1e-5);
  expect(result.max_abs_diff).toBeLessThan(1e-3);
  expect(result.latency_ms).toBeGreaterThan(0);
});

test.each<Partial<DeployOptions>>([
  { inputType: 'float32', batch: 3 },
  { inputType: 'float16', storage: 'float16' },
])('%j', async (options) => {
  expect(await run({ ...options, compare: 5 })).toMatchObject({ samples: 30, input_type: options.inputType });
});

test('takes the folder that is there, if it is of this config and these options', async () => {
  await run({ compileOnly: true });
  const legacy = { useLegacy: true, compare: 0 } as const;
  expect(await run({ ...legacy, batch: 4 })).toMatchObject({ predictions_differ: 0, host_flip_rate: null });
  await expect(run(legacy, barsConfig({ cmode: 'spike' }))).rejects.toThrow(
    'was compiled from another config',
  );
  await expect(run({ ...legacy, storage: 'float16' })).rejects.toThrow(
    'manifest.json: was compiled for storage float32, not float16',
  );
});

test('refuses what only the chip has', async () => {
  await expect(run({ mode: 'glb' })).rejects.toThrow('option mode is about the chip');
  await expect(run({ useLegacy: true, postMode: 1 })).rejects.toThrow('option postMode is about the chip');
  await expect(run({ profiler: true })).rejects.toThrow('the profiler is about the simulated chip');
});

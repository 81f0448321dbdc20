import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  capture,
  deadCode,
  foldConstants,
  foldRecurrentNorm,
  foldSynapticNorm,
  fuseFireReset,
  optimise,
  type OptimiseOptions,
  type Pass,
} from '@bidl/compile';
import { withNetworks } from '@bidl/compile/testing';
import { startEngine, type tf } from '@bidl/engine';
import { createExecutor, readArtifact, sha256, writeArtifact, type StepGraph } from '@bidl/graph';
import { openPlanExecutor, openSimulator, type Simulator } from '@bidl/sdk-runtime';

import { checkSteps } from './target/step-check.js';
import { bySteps, type TestSample } from './samples.js';

const SAMPLES = 2;
let folder: string;
let driver: Simulator;
beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
  folder = mkdtempSync(path.join(tmpdir(), 'bidl-property-'));
  driver = await openSimulator();
}, 120_000);
afterAll(() => {
  expect(Object.values(driver.usage()).every((count) => count === 0)).toBe(true);
  driver.close();
  rmSync(folder, { recursive: true, force: true });
});

function withNetwork(
  check: (captured: StepGraph, samples: readonly TestSample[]) => Promise<void>,
  numRuns: number,
): Promise<void> {
  const captured = (model: Parameters<typeof capture>[0], x: tf.Tensor) => {
    const data = Float32Array.from(x.dataSync());
    const size = data.length / SAMPLES;
    const samples = Array.from({ length: SAMPLES }, (_, i) => ({
      img: data.slice(i * size, (i + 1) * size),
      label: 0,
    }));
    return check(capture(model), samples);
  };
  return withNetworks(SAMPLES, captured, numRuns);
}

const FORMS: readonly (readonly [string, OptimiseOptions | undefined])[] = [
  ['as captured', undefined],
  ['all passes', {}],
  ['all passes, bytes in, states and weights in half precision', { inputType: 'uint8', storage: 'float16' }],
];

test.each(FORMS)(
  'simulator = reference executor in every output and state, to the bit: %s',
  async (_, options) => {
    await withNetwork(async (captured, samples) => {
      const graph = options ? optimise(captured, options) : captured;
      await writeArtifact(path.join(folder, 'artifact'), {
        graph,
        batch: SAMPLES,
        producer: { name: 'spec', version: '0' },
        config: sha256('config'),
        checkpoint: sha256('checkpoint'),
        target: { name: 'apu', options: {} },
        samples: samples.map((sample) => bySteps(sample, graph.inputs[0].type.dtype, graph.timesteps)),
      });
      const { equal } = await checkSteps(readArtifact(path.join(folder, 'artifact')), driver, 0, samples);
      expect({ network: graph, equal }).toEqual({ network: graph, equal: true });
    }, 14);
  },
);

const PASSES: readonly (readonly [string, Pass])[] = [
  ['fuseFireReset', fuseFireReset],
  ['deadCode', deadCode],
  ['foldConstants', foldConstants],
  ['foldSynapticNorm', foldSynapticNorm],
  ['foldRecurrentNorm', foldRecurrentNorm],
];

test.each(PASSES)('native plan = reference executor after %s alone, to the bit', async (_, pass) => {
  await withNetwork(async (captured, samples) => {
    const graph = pass(captured);
    const [plan, executor] = [await openPlanExecutor(graph), createExecutor(graph)];
    for (const sample of samples) {
      let state = executor.initialState(1);
      for (const frames of bySteps(sample, 'float32', graph.timesteps)) {
        const want = executor.step(frames, state);
        const got = plan.step(frames as Float32Array[], state, 1);
        expect(got.outputs).toEqual(want.outputs);
        expect([...got.state]).toEqual([...want.state]);
        state = want.state;
      }
    }
  }, 12);
});

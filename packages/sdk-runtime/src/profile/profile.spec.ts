import { createExecutor, type StepGraph } from '@bidl/graph';
import { type PlanLibrary, preparePlan } from '@bidl/kernels';
import { randomSample, spikingNetwork } from '../testing/artifacts.js';
import { chance, randomFrame, randomNetwork } from '../testing/networks.js';
import { profileGraph, type ProfileSample } from './profile.js';

let library: PlanLibrary;
beforeAll(async () => {
  library = await preparePlan();
}, 120_000);

const rnd = chance(3);
const samples: ProfileSample[] = Array.from({ length: 3 }, () => {
  const { data } = randomSample(rnd);
  return [0, 1, 2, 3].map((t) => [data.slice(t * 60, (t + 1) * 60)]);
});

/** Share of a value that isn't zero, by the reference executor. */
function activityOf(graph: StepGraph, id: string): number {
  const executor = createExecutor(graph);
  const seen = samples.flatMap((sample) => {
    let state = executor.initialState(1);
    return sample.flatMap((frames) => {
      const step = executor.step(frames, state, [id]);
      state = step.state;
      return [...(step.taps.get(id) ?? [])];
    });
  });
  return seen.filter((v) => v !== 0).length / seen.length;
}

test('every operation, by layer, with what it moves and how much of it is active', async () => {
  const graph = spikingNetwork();
  const { operations, ...about } = await profileGraph(graph, samples, { library });
  expect(about).toMatchObject({ network: 'spiking-1', batch: 1, samples: 3, steps: 12 });
  expect(operations.map(({ layer, op, bytes, macs }) => [layer, op, bytes, macs])).toEqual([
    ['clif1', 'conv2d', 4 * (3 * 3 * 2 * 8 + 8) + 60 + 4 * 240, 6 * 5 * 3 * 3 * 2 * 8],
    ['clif1', 'add+resetDecay+fire', 4 * 4 + 2 * 4 * 240 + 2 * 960, 0],
    ['mp1', 'maxPool', 4 * (240 + 48), 0],
    ['flat', 'reshape', 2 * 4 * 48, 0],
    ['fc', 'dense', 4 * (48 * 3 + 3) + 4 * (48 + 3), 48 * 3],
    ['fc', 'div+add', 4 + 2 * 4 * 3 + 2 * 64, 0],
  ]);
  for (const { name, activity } of operations) expect(activity).toBeCloseTo(activityOf(graph, name), 12);
  expect(operations.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
  expect(operations.reduce((sum, { time_us }) => sum + time_us, 0)).toBeCloseTo(about.operations_us, 6);
  expect(operations.every(({ time_us }) => time_us > 0)).toBe(true);
  expect(about.step_us).toBeGreaterThan(0);
});

test('samples that run together', async () => {
  const graph = spikingNetwork();
  const together = samples[0].map(([a], t) => [Uint8Array.from([...a, ...samples[1][t][0]])]);
  const alone = await profileGraph(graph, samples.slice(0, 2), { library });
  const pair = await profileGraph(graph, [together], { library, batch: 2 });
  expect(pair.steps).toBe(4);
  pair.operations.forEach(({ activity, macs }, k) => {
    expect(activity).toBeCloseTo(alone.operations[k].activity, 12);
    expect(macs).toBe(2 * alone.operations[k].macs);
  });
});

test.each(Array.from({ length: 20 }, (_, i) => 300 + i))(
  'random network %i comes out the same, operation by operation',
  async (seed) => {
    const graph = randomNetwork(seed);
    const random = chance(seed);
    const sample = Array.from({ length: graph.timesteps }, () => [randomFrame(graph, random, 2)]);
    const { operations } = await profileGraph(graph, [sample], { library, batch: 2 });
    expect(operations.length).toBeGreaterThan(0);
  },
);

import { stateTable, type StatePlacement, type StepGraph } from '@bidl/graph';
import { openSimulator, type Simulator, type SimulatorOptions } from '../simulator/simulator.js';
import { compileTo, randomSample, reference, spikingNetwork, temporaryFolder } from '../testing/artifacts.js';
import { chance } from '../testing/networks.js';
import { ApuRun } from './apu-run.js';

const folder = temporaryFolder();
afterAll(() => folder.remove());

const [one, other] = [spikingNetwork(1), spikingNetwork(2)];
const bytes = stateTable(one).bytesPerSample;
const rnd = chance(5);
const samples = [randomSample(rnd), randomSample(rnd)];

/** Does something with a simulator and looks that nothing is left. */
async function on(options: SimulatorOptions, work: (driver: Simulator) => Promise<void>): Promise<void> {
  const driver = await openSimulator(options);
  try {
    await work(driver);
    expect(Object.values(driver.usage()).every((count) => count === 0)).toBe(true);
  } finally {
    driver.close();
  }
}

async function logits(run: ApuRun): Promise<number[][]> {
  for (const sample of samples) await run.run(sample);
  return (await run.getOutput()).map(([output]) => [...output.data]);
}
const wanted = (graph: StepGraph) => samples.map((sample) => reference(graph, sample));
const open = (driver: Simulator, path: string) => new ApuRun(0, path, 4, { driver });

test.each<StatePlacement>([
  { memory: 'ddr', relocatable: true },
  { memory: 'glb', relocatable: true },
  { memory: 'ddr', relocatable: false },
  { memory: 'glb', relocatable: false },
])('%j: states are booked where they lie, and compute the same', async (placement) => {
  const path = await compileTo(folder.path, one, 1, placement);
  await on({}, async (driver) => {
    const run = open(driver, path);
    expect(driver.usage().glbBytes).toBe(placement.memory === 'glb' ? bytes : 0);
    const { glbUsed, memoryUsed } = driver.getDeviceProperties(0);
    expect({ glbUsed, memoryUsed }).toEqual({
      glbUsed: driver.usage().glbBytes,
      memoryUsed: driver.usage().bytes,
    });
    expect(await logits(run)).toEqual(wanted(one));
    expect(await run.readState()).toHaveLength(bytes);
    await run.dispose();
  });
});

test.each(['ddr', 'glb'] as const)('%s: several relocatable models are resident at once', async (memory) => {
  const relocatable = { memory, relocatable: true };
  const paths = [
    await compileTo(folder.path, one, 1, relocatable),
    await compileTo(folder.path, other, 1, relocatable),
    await compileTo(folder.path, one, 1, { memory, relocatable: false }),
  ];
  await on({}, async (driver) => {
    const runs = paths.map((path) => open(driver, path));
    expect(new Set(runs.map(({ desc }) => desc.state.address)).size).toBe(3);
    expect(await Promise.all(runs.map(logits))).toEqual([one, other, one].map(wanted));
    for (const run of runs) await run.dispose();
  });
});

test.each(['ddr', 'glb'] as const)('%s: of models with a fixed address there is one', async (memory) => {
  const fixed = { memory, relocatable: false };
  const first = await compileTo(folder.path, one, 1, fixed);
  const second = await compileTo(folder.path, other, 1, fixed);
  await on({}, async (driver) => {
    const run = open(driver, first);
    expect(() => open(driver, second)).toThrow(
      "lynLoadModel: the model cannot be loaded (104001): the model's states have a fixed address, which is in use; " +
        'compile models that are resident together with --multinet 1',
    );
    expect(await logits(run)).toEqual(wanted(one));
    await run.dispose();
    const next = open(driver, second);
    expect(await logits(next)).toEqual(wanted(other));
    await next.dispose();
  });
});

test('a GLB too small for the states refuses the model and keeps nothing', async () => {
  for (const relocatable of [true, false]) {
    const path = await compileTo(folder.path, one, 1, { memory: 'glb', relocatable });
    await on({ glbBytes: bytes - 1 }, async (driver) => {
      expect(() => open(driver, path)).toThrow(
        `lynLoadModel: out of device memory (100008): the GLB of device 0 has ${bytes - 1} bytes, 0 are in use, ${bytes} were asked for`,
      );
    });
  }
});

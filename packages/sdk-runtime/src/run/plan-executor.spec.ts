import { createExecutor, type StepGraph } from '@bidl/graph';
import { sizeOf } from '@bidl/formats';
import { chance, randomNetwork } from '../testing/networks.js';
import { openPlanExecutor } from './plan-executor.js';

const inFloats = (graph: StepGraph): StepGraph => ({
  ...graph,
  inputs: graph.inputs.map(({ name, type }) => ({ name, type: { ...type, dtype: 'float32' } })),
  states: graph.states.map((slot) => ({ ...slot, dtype: 'float32' })),
});

test.each([1, 2, 3, 4, 5, 6])('random network %i: the reference executor, to the bit', async (seed) => {
  const graph = inFloats(randomNetwork(seed));
  const executor = createExecutor(graph);
  const plan = await openPlanExecutor(graph);
  const random = chance(seed);
  const n = 1 + (seed % 3);
  let state = executor.initialState(n);
  for (let t = 0; t < 3; t++) {
    const frames = graph.inputs.map(({ type }) =>
      Float32Array.from({ length: n * sizeOf(type.shape) }, () => random.int(0, 2)),
    );
    const got = plan.step(frames, state, n);
    const want = executor.step(frames, state);
    expect(got.outputs).toEqual(want.outputs);
    expect([...got.state]).toEqual([...want.state]);
    state = want.state;
  }
});

test('other formats are refused by name', async () => {
  const graph = inFloats(randomNetwork(1));
  const bytes: StepGraph = {
    ...graph,
    inputs: graph.inputs.map(({ name, type }) => ({ name, type: { ...type, dtype: 'uint8' } })),
  };
  await expect(openPlanExecutor(bytes)).rejects.toThrow('is uint8; a plan executor takes float32 only');
});

import { createExecutor, type StepGraph } from '@bidl/graph';
import { createPlan, type PlanLibrary, preparePlan } from '@bidl/kernels';
import { chance, randomFrame, randomNetwork } from '../testing/networks.js';

let library: PlanLibrary;
beforeAll(async () => {
  library = await preparePlan();
}, 120_000);

const bits = (data: Float32Array) => new Uint32Array(data.buffer, data.byteOffset, data.length);

/** Runs both over a few steps and compares every output and state, bit for bit. */
function compare(graph: StepGraph, seed: number): void {
  const rnd = chance(seed);
  const n = rnd.int(1, 3);
  const executor = createExecutor(graph);
  const plan = createPlan(library, graph);
  const { program } = plan;
  const memory = new Uint8Array(n * program.stateBytes);
  const output = new Uint8Array(n * program.outputBytes);
  plan.reset(memory, n);
  let state = executor.initialState(n);
  for (let t = 0; t < graph.timesteps; t++) {
    const frame = randomFrame(graph, rnd, n);
    const want = executor.step([frame], state);
    state = want.state;
    plan.step(frame, output, memory, n);
    for (let b = 0; b < n; b++) {
      program.outputs.forEach((field, k) => {
        const at = b * program.outputBytes + field.offset;
        const got = output.slice(at, at + field.bytes);
        const size = field.bytes / 4;
        const part = want.outputs[k].slice(b * size, (b + 1) * size);
        expect([field.name, t, ...new Uint32Array(got.buffer)]).toEqual([field.name, t, ...bits(part)]);
      });
    }
  }
}

test.each(Array.from({ length: 60 }, (_, i) => i + 1))('random network %i is bit-identical', (seed) => {
  compare(randomNetwork(seed), seed);
});

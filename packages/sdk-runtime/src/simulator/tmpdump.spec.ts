import { createExecutor, packStates, stateTable, type StepGraph } from '@bidl/graph';
import { lowerGraph } from '@bidl/kernels';
import { appendFileSync, writeFileSync } from 'node:fs';
import { chance, randomFrame, randomNetwork } from '../testing/networks.js';
test('dump', () => {
  writeFileSync('/tmp/cases.raw', new Uint8Array());
  const [from, to] = (process.env['SEEDS'] ?? '1-60').split('-').map(Number);
  for (let seed = from; seed <= to; seed++) {
    const graph: StepGraph = randomNetwork(seed);
    const n = 1 + (seed % 3);
    const rnd = chance(seed);
    const executor = createExecutor(graph);
    const { outputs, outputBytes, code, weights, constants, stateBytes } = lowerGraph(graph);
    let state = executor.initialState(n);
    const b = (a: ArrayBufferView) => new Uint8Array(a.buffer, a.byteOffset, a.byteLength);
    const steps = Array.from({ length: graph.timesteps }, () => {
      const frame = randomFrame(graph, rnd, n);
      const step = executor.step([frame], state);
      state = step.state;
      const memory = new Uint8Array(n * outputBytes);
      outputs.forEach(({ offset, bytes }, k) => {
        const all = new Uint8Array(step.outputs[k].buffer);
        for (let s = 0; s < n; s++) memory.set(all.subarray(s * bytes, (s + 1) * bytes), s * outputBytes + offset);
      });
      return { frame: b(frame), output: memory, state: packStates(stateTable(graph), state, n) };
    });
    const head = Int32Array.of(seed, code.length, weights.length, constants.length, n, steps.length, steps[0].frame.length, n * outputBytes, n * stateBytes);
    for (const x of [head, code, weights, constants, ...steps.flatMap((s) => [s.frame, s.output, s.state])]) appendFileSync('/tmp/cases.raw', b(x));
  }
});

import { createExecutor } from './executor/executor.js';
import { graphParts } from './parts.js';
import { randomFrame, randomNumbers, smallNetwork } from './testing/networks.js';

test('parts fed by each other give what the whole gives, to the bit', () => {
  const graph = smallNetwork();
  const parts = graphParts(graph, ({ layer }) => layer);
  expect(parts.map(({ name }) => name)).toEqual([...new Set(graph.nodes.map(({ layer }) => layer))]);
  const whole = createExecutor(graph);
  const pieces = parts.map((part) => ({ part, executor: createExecutor(part.graph) }));
  let state = whole.initialState(1);
  const states = new Map(pieces.map(({ part, executor }) => [part.name, executor.initialState(1)]));
  const random = randomNumbers(4);
  for (let t = 0; t < graph.timesteps; t++) {
    const frame = randomFrame(random, 60);
    const want = whole.step([frame], state);
    state = want.state;
    const values = new Map<string, Uint8Array | Float32Array>([[graph.inputs[0].name, frame]]);
    for (const { part, executor } of pieces) {
      const given = part.sources.map(({ value }) => values.get(value)!);
      const step = executor.step(given, states.get(part.name)!);
      states.set(part.name, step.state);
      part.graph.outputs.forEach(({ value }, k) => values.set(value, step.outputs[k].slice()));
    }
    expect(graph.outputs.map(({ value }) => values.get(value))).toEqual(want.outputs);
  }
  const together = new Map([...states.values()].flatMap((part) => [...part]));
  expect(together).toEqual(state);
});

test('a state that is cut in two is refused', () => {
  const graph = smallNetwork();
  expect(() => graphParts(graph, ({ op }) => op)).toThrow('state');
});

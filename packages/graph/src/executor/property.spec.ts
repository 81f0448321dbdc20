import fc from 'fast-check';
import { sizeOf } from '@bidl/formats';
import { directStep } from '../testing/direct.js';
import { randomArray, randomFrame, randomNumbers } from '../testing/networks.js';
import { randomGraph } from '../testing/random-graph.js';
import { createExecutor } from './executor.js';

const asBits = (data: ArrayLike<number>) => [...new Uint32Array(Float32Array.from(data).buffer)];

it('the executor gives the bits of the definition, for any graph, at every value of every step', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e6 }), fc.integer({ min: 1, max: 2 }), (seed, n) => {
      const graph = randomGraph(seed);
      const random = randomNumbers(seed + 1);
      graph.nodes.forEach(({ op }) => seen.add(op));
      const executor = createExecutor(graph);
      const ids = graph.nodes.map(({ id }) => id);
      const [{ type }] = graph.inputs;
      const size = sizeOf(type.shape);
      let state = executor.initialState(n);
      let direct = Array.from(
        { length: n },
        () =>
          new Map(
            graph.states.map(
              ({ key, shape, initial }) =>
                [key, new Float32Array(sizeOf(shape)).fill(initial)] as [string, ArrayLike<number>],
            ),
          ),
      );
      for (let t = 0; t < graph.timesteps; t++) {
        const frames =
          type.dtype === 'uint8' ? randomFrame(random, n * size) : randomArray(random, [n * size]).data;
        const step = executor.step([frames], state, ids);
        state = step.state;
        direct = direct.map((before, sample) => {
          const want = directStep(graph, [frames.subarray(sample * size, (sample + 1) * size)], before);
          for (const id of ids) {
            const { data } = want.values.get(id)!;
            const got = step.taps.get(id)!.subarray(sample * data.length, (sample + 1) * data.length);
            expect([id, ...asBits(got)]).toEqual([id, ...asBits(data)]);
          }
          return want.state;
        });
      }
    }),
    {
      numRuns: 60,
      examples: [
        [1, 1],
        [2, 2],
        [3, 1],
        [4, 2],
        [5, 1],
      ],
    },
  );
  expect(seen.size).toBeGreaterThan(12);
});

import { golden } from '@bidl/testing';
import { graphBuilder } from '../build/builder.js';
import { randomFrame, randomNumbers, smallNetwork } from '../testing/networks.js';
import { createExecutor } from './executor.js';
import { runSequence } from './run.js';

const at = { layer: 'l' };

describe('fused fire and reset', () => {
  const tables = golden('chip', 'formula_tables');
  const x = tables.get('x');
  const settings = tables.get('settings').data;

  it.each([0, 1, 2])('give the formula tables of upstream, row %i', (row) => {
    const [theta, v0, alpha, beta] = [0, 1, 2, 3].map((i) => Number(settings[row * 4 + i]));
    const b = graphBuilder({ name: 'tables', timesteps: 1 });
    const data = b.input('x', { shape: x.shape, dtype: 'float32' });
    const params = Object.entries({ theta, v0, alpha, beta }).map(([name, value]) => b.numbers(name, value));
    b.output('fire', b.node('fire', [data], { threshold: theta }, at));
    b.output('reset', b.node('resetDecay', [data, ...params], {}, at));
    const executor = createExecutor(b.build());
    const { outputs } = executor.step([x.data as Float32Array], executor.initialState(1));
    expect(outputs[0]).toEqual(tables.get(`fire/${row}`).data);
    // Same bits, not only within the case's tolerance: the formula is one rounding after another.
    expect(outputs[1]).toEqual(tables.get(`reset/${row}`).data);
  });
});

describe('createExecutor', () => {
  const graph = smallNetwork();
  const executor = createExecutor(graph);
  const size = 6 * 5 * 2;
  const frames = (seed: number, n = 1) => {
    const random = randomNumbers(seed);
    return Array.from({ length: graph.timesteps }, () => [randomFrame(random, n * size)]);
  };

  it('keeps the samples of a batch apart: each has the state it would have alone', () => {
    const alone = [11, 12, 13].map((seed) => frames(seed));
    const together = Array.from({ length: graph.timesteps }, (_, t) => [
      Uint8Array.from(alone.flatMap((sample) => [...sample[t][0]])),
    ]);
    const batch = runSequence(executor, together, 3, ['clif1/gt']);
    alone.forEach((sample, i) => {
      const one = runSequence(executor, sample, 1, ['clif1/gt']);
      one.outputs.forEach(([logits], t) => {
        expect(batch.outputs[t][0].subarray(i * 3, i * 3 + 3)).toEqual(logits);
        expect(batch.taps[t].get('clif1/gt')?.subarray(i * 120, i * 120 + 120)).toEqual(
          one.taps[t].get('clif1/gt'),
        );
      });
    });
    expect(batch.outputs.at(-1)?.[0].some((logit) => logit !== 0)).toBe(true);
  });

  it('leaves the state that it is given alone, and depends on nothing but its arguments', () => {
    const state = executor.initialState(1);
    const [first, second] = frames(5);
    const a = executor.step(first, state);
    executor.step(second, a.state);
    expect([...state.values()].every((data) => data.every((v) => v === 0))).toBe(true);
    const again = executor.step(first, state);
    expect(again.outputs).toEqual(a.outputs);
    expect([...again.state]).toEqual([...a.state]);
  });

  it('loads what was there before the step, even where the save stands first', () => {
    const b = graphBuilder({ name: 'delay', timesteps: 3 });
    const x = b.input('x', { shape: [2], dtype: 'float32' });
    const before = b.load({ key: 'last', shape: [2], initial: 7 }, at);
    b.save('last', x, at);
    b.output('y', b.node('neg', [before], {}, at));
    const built = b.build();
    const order = [built.nodes[1], built.nodes[0], built.nodes[2]];
    const delay = createExecutor({ ...built, nodes: order });
    const steps = [
      [1, 2],
      [3, 4],
      [5, 6],
    ].map((v) => [Float32Array.from(v)]);
    expect(runSequence(delay, steps, 1).outputs.map(([y]) => [...y])).toEqual([
      [-7, -7],
      [-1, -2],
      [-3, -4],
    ]);
  });

  it('rounds what a float16 state stores, and shows it in a tap', () => {
    const b = graphBuilder({ name: 'half', timesteps: 2 });
    const x = b.input('x', { shape: [1], dtype: 'float16' });
    const v = b.load({ key: 'v', shape: [1], dtype: 'float16', initial: 0.1 }, at);
    const u = b.node('add', [x, v], {}, at);
    b.save('v', u, { layer: 'l', what: 'save' });
    b.output('u', u);
    const half = createExecutor(b.build());
    expect(half.initialState(1).get('v')?.[0]).toBe(0.0999755859375);
    // 1/3 in half precision is 0x3555, handed in as bits or as a number
    for (const data of [Uint16Array.of(0x3555), Float32Array.of(1 / 3)]) {
      const step = half.step([data], half.initialState(1), ['l/save', 'l/add']);
      expect(step.outputs[0][0]).toBe(0.333251953125 + 0.0999755859375);
      expect(step.taps.get('l/save')?.[0]).toBe(0.43310546875);
      expect(step.state.get('v')?.[0]).toBe(0.43310546875);
    }
  });

  it('names what does not fit', () => {
    const state = executor.initialState(1);
    const frame = new Uint8Array(size);
    expect(() => executor.step([], state)).toThrow('graph "small" takes 1 input(s) (data), got 0');
    expect(() => executor.step([frame.subarray(1)], state)).toThrow(
      'input "data" has 59 numbers; give [n, 6, 5, 2], 60 for each sample',
    );
    expect(() => executor.step([new Uint8Array(2 * size)], state)).toThrow(
      'state "clif1/v" must have 2 x [6, 5, 4] numbers, got 120; start from initialState(2)',
    );
    expect(() => executor.step([new Float32Array(size)], state)).toThrow(
      'input "data" takes uint8, got a Float32Array',
    );
    expect(() => executor.step([frame], state, ['clif9/v'])).toThrow(
      'graph "small" has no value "clif9/v"; it has clif1/kernel',
    );
  });
});

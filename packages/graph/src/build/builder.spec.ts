import {
  arrayOps,
  defineNeuron,
  irnet,
  lif,
  rectangle,
  referenceScan,
  type LifOptions,
} from '@bidl/dynamics';
import { createExecutor } from '../executor/executor.js';
import { runSequence } from '../executor/run.js';
import { lifParams, randomArray, randomNumbers } from '../testing/networks.js';
import { graphBuilder } from './builder.js';
import { traceNeuron } from './graph-ops.js';

const steps = 6;
const shape = [3, 2, 4];
const size = 24;

/** Input of a few steps, `[T][n]` for the executor and `[1, T, n]` for the reference. */
function drive(seed: number) {
  const x = randomArray(randomNumbers(seed), [steps, size], 1.5).data;
  return { x, frames: Array.from({ length: steps }, (_, t) => [x.slice(t * size, (t + 1) * size)]) };
}

describe('traceNeuron', () => {
  it.each<LifOptions>([
    {},
    { mode: 'analog' },
    { mode: 'analog', membMode: [1, 'tanh'] },
    { mode: 'analog', membMode: [2, 'sigmoid'] },
    { mode: 'analog', membMode: [3, null] },
  ])('gives the reference bit for bit: lif %p', (options) => {
    const b = graphBuilder({ name: 'lif', timesteps: steps });
    const neuron = lif(options);
    const x = b.input('x', { shape, dtype: 'float32' });
    const out = traceNeuron(b, 'lif', neuron, x, lifParams(b, 'lif'), { surrogate: rectangle() });
    b.output('out', out);
    const driven = drive(1);
    const got = runSequence(createExecutor(b.build()), driven.frames, 1, ['lif/save_v']);
    const want = referenceScan(neuron, { x: driven.x, batch: 1, steps, surrogate: rectangle() });
    got.outputs.forEach(([y], t) => {
      expect([...y]).toEqual([...want.out.slice(t * size, (t + 1) * size)]);
      expect([...got.taps[t].get('lif/save_v')!]).toEqual([...want.trace[t].v]);
    });
  });

  it('takes a neuron of the user, with per-channel parameters, two states and a state set to a number', () => {
    const neuron = defineNeuron({
      name: 'adaptive',
      state: { v: 0.25, a: 0, seen: 0 },
      params: { leak: 0.9, rise: 0.2 },
      step: (o, x, { v, a, seen }, p) => {
        const u = o.sub(o.add(o.mul(v, p.leak), x), o.mul(a, seen));
        const s = o.fire(o.div(u, o.constant(0.8)));
        return {
          out: s,
          state: {
            v: o.blend(s, o.constant(0), u),
            a: o.add(o.exp(o.neg(u)), o.mul(p.rise, s)),
            seen: o.constant(1),
          },
        };
      },
    });
    const leak = [0.9, 0.8, 0.7, 0.6];
    const b = graphBuilder({ name: 'own', timesteps: steps });
    const x = b.input('x', { shape, dtype: 'float32' });
    const params = { leak: b.numbers('n/leak', leak), rise: b.numbers('n/rise', 0.2) };
    b.output('out', traceNeuron(b, 'n', neuron, x, params, { surrogate: irnet() }));
    const driven = drive(2);
    const run = runSequence(createExecutor(b.build()), driven.frames, 1);
    const want = referenceScan(neuron, {
      x: driven.x,
      batch: 1,
      steps,
      surrogate: irnet(),
      params: { leak, rise: [0.2] },
    });
    run.outputs.forEach(([y], t) => {
      expect([...y]).toEqual([...want.out.slice(t * size, (t + 1) * size)]);
    });
    expect([...run.state.get('n/seen')!]).toEqual(new Array(size).fill(1));
    expect([...run.state.get('n/a')!]).toEqual([...want.trace[steps - 1].a]);
  });

  it('puts a folded norm where the neuron has one, and a threshold where there is no surrogate', () => {
    const b = graphBuilder({ name: 'norm', timesteps: 1 });
    const x = b.input('x', { shape: [2], dtype: 'float32' });
    const norm = { scale: b.numbers('scale', [2, 3]), shift: b.numbers('shift', [0.5, -1]) };
    b.output('out', traceNeuron(b, 'n', lif(), x, lifParams(b, 'n'), { norm, threshold: 1 }));
    const graph = b.build();
    expect(graph.nodes.find(({ op }) => op === 'affine')?.inputs).toEqual(['n/add', 'scale', 'shift']);
    const executor = createExecutor(graph);
    // 2·0.6 + 0.5 - theta 0.5 = 1.2 > 1; 3·0.8 - 1 - 0.5 = 0.9
    expect([...executor.step([Float32Array.of(0.6, 0.8)], executor.initialState(1)).outputs[0]]).toEqual([
      1, 0,
    ]);
  });

  it('agrees with the reference on every elementwise operation', () => {
    const random = randomNumbers(4);
    const [p, q, r] = [0, 1, 2].map(() => randomArray(random, [64], 4).data);
    const reference = arrayOps({ surrogate: rectangle() });
    const ops = [
      'add',
      'sub',
      'mul',
      'div',
      'neg',
      'abs',
      'exp',
      'tanh',
      'sigmoid',
      'relu',
      'atan',
      'gt',
      'sign',
      'blend',
    ] as const;
    const arity = (op: string) =>
      op === 'blend' ? 3 : ['add', 'sub', 'mul', 'div', 'gt'].includes(op) ? 2 : 1;
    for (const op of ops) {
      const b = graphBuilder({ name: op, timesteps: 1 });
      const values = [p, q, r].slice(0, arity(op));
      const operands = values.map((_, i) => b.input(`x${i}`, { shape: [64], dtype: 'float32' }));
      b.output('y', b.node(op, operands, {}, { layer: 'l' }));
      const executor = createExecutor(b.build());
      const f = reference[op] as (...x: unknown[]) => { data: ArrayLike<number> };
      const want = f(...values.map((data) => reference.value(data))).data;
      expect([op, ...executor.step(values, executor.initialState(1)).outputs[0]]).toEqual([
        op,
        ...Array.from(want),
      ]);
    }
  });
});

describe('graphBuilder', () => {
  it('names mistakes where they are made', () => {
    const b = graphBuilder({ name: 'g', timesteps: 1 });
    const x = b.input('x', { shape: [4], dtype: 'float32' });
    expect(() => b.input('x', { shape: [4], dtype: 'float32' })).toThrow('the name "x" is taken');
    expect(() => b.dense(x, b.numbers('k', [1, 2, 3]), undefined, { layer: 'fc' })).toThrow(
      'layer "fc": dense: needs x [in] and kernel [in, out], got [4] and [3]',
    );
    expect(() => b.maxPool(x, { size: [2, 2] }, { layer: 'mp' })).toThrow(
      'layer "mp": maxPool: needs an image',
    );
    expect(() => b.build()).toThrow('graph "g" is not sound:\n  the graph has no output');
  });

  it('numbers the ids of equal operations in a layer', () => {
    const b = graphBuilder({ name: 'g', timesteps: 1 });
    const x = b.input('x', { shape: [4], dtype: 'float32' });
    const ids = [0, 1, 2].map(() => b.node('neg', [x], {}, { layer: 'l' }).id);
    expect(ids).toEqual(['l/neg', 'l/neg_1', 'l/neg_2']);
    expect(() => b.node('neg', [x], {}, { layer: 'l', what: 'neg' })).toThrow('the name "l/neg" is taken');
  });
});

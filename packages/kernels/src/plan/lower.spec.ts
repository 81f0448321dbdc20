import { KernelError } from '../errors.js';
import { ELEMENT_OPS } from './code.js';
import type { PlanGraph, PlanNode } from './graph.js';
import { createPlan, loadPlan, type PlanLibrary, preparePlan } from './library.js';
import { lowerGraph } from './lower.js';

let library: PlanLibrary;
beforeAll(async () => {
  library = await preparePlan();
}, 120_000);

const node = (
  id: string,
  op: string,
  inputs: string[],
  shape: number[],
  attrs: PlanNode['attrs'] = {},
): PlanNode => ({ id, op, inputs, attrs, type: { shape } });

/** sum' = sum + x, handed out. */
const integrator = (dtype: 'float32' | 'uint8' | 'float16' = 'float32'): PlanGraph => ({
  name: 'integrator',
  timesteps: 3,
  inputs: [{ name: 'x', type: { shape: [5], dtype } }],
  outputs: [{ name: 'sum', value: 'sum' }],
  nodes: [
    node('before', 'load', [], [5], { key: 'v' }),
    node('sum', 'add', ['x', 'before'], [5]),
    node('after', 'save', ['sum'], [5], { key: 'v' }),
  ],
  states: [{ key: 'v', shape: [5], initial: 0.5, dtype: 'float32' }],
  weights: {},
});

test('keeps the state of every sample over steps, in memory of the caller', () => {
  const plan = createPlan(library, integrator('uint8'));
  const { inputBytes, outputBytes, stateBytes } = plan.program;
  expect([inputBytes, outputBytes, stateBytes]).toEqual([5, 20, 64]);
  const state = new Uint8Array(2 * stateBytes);
  const output = new Float32Array(10);
  plan.reset(state, 2);
  plan.step(Uint8Array.of(1, 2, 3, 4, 5, 0, 0, 0, 0, 9), output, state, 2);
  plan.step(Uint8Array.of(1, 1, 1, 1, 1, 0, 0, 0, 0, 1), output, state, 2);
  expect([...output]).toEqual([2.5, 3.5, 4.5, 5.5, 6.5, 0.5, 0.5, 0.5, 0.5, 10.5]);
});

test('an old state that is handed out outlives the new one', () => {
  const graph = integrator();
  const plan = createPlan(library, {
    ...graph,
    outputs: [...graph.outputs, { name: 'old', value: 'before' }],
  });
  const state = new Uint8Array(64);
  const output = new Float32Array(10);
  plan.reset(state, 1);
  plan.step(new Float32Array(5).fill(1), output, state, 1);
  expect([...output]).toEqual([1.5, 1.5, 1.5, 1.5, 1.5, 0.5, 0.5, 0.5, 0.5, 0.5]);
});

test('a neuron becomes one operation, and values inside a group need no memory of their own', () => {
  const scalars = { theta: 0.5, v0: 0, alpha: 0.3, beta: 0 };
  const graph: PlanGraph = {
    ...integrator(),
    outputs: [{ name: 'spikes', value: 'spikes' }],
    nodes: [
      node('before', 'load', [], [5], { key: 'v' }),
      node('u', 'add', ['x', 'before'], [5]),
      node('spikes', 'fire', ['u'], [5], { threshold: 0.5 }),
      node('next', 'resetDecay', ['u', 'theta', 'v0', 'alpha', 'beta'], [5]),
      node('after', 'save', ['next'], [5], { key: 'v' }),
    ],
    weights: Object.fromEntries(
      Object.entries(scalars).map(([name, value]) => [name, { shape: [], data: Float32Array.of(value) }]),
    ),
  };
  const { code } = lowerGraph(graph);
  const arena = code[4];
  expect(arena).toBe(0);
  // Behind 13 words of sizes: a group of 5 elements in one block, no synapse, two operations, the first a neuron.
  expect([...code.slice(13, 19)]).toEqual([2, 5, 5, 0, 2, ELEMENT_OPS.indexOf('integrateFire')]);
});

test('operations that plans lack, and values that are not there, are named', () => {
  const odd = (op: string, inputs: string[]): PlanGraph => ({
    ...integrator(),
    nodes: [node('odd', op, inputs, [5])],
  });
  expect(() => lowerGraph(odd('softmax', ['x']))).toThrow(
    new KernelError('node "odd": plans have no operation "softmax"'),
  );
  expect(() => lowerGraph(odd('neg', ['y']))).toThrow('graph "integrator": there is no value "y"');
});

test('views that are too short are refused', () => {
  const plan = createPlan(library, integrator());
  const [state, output] = [new Uint8Array(64), new Float32Array(5)];
  expect(() => plan.reset(state, 2)).toThrow('state has 64 bytes; 2 sample(s) of 64 need 128');
  expect(() => plan.step(new Float32Array(4), output, state, 1)).toThrow('input has 16 bytes');
  expect(() => plan.step(new Float32Array(5), new Float32Array(4), state, 1)).toThrow('output has 16 bytes');
});

test('a damaged program is refused, whatever word is wrong', () => {
  const { code, weights, constants } = lowerGraph(integrator());
  expect(() => library.createPlan(code.slice(0, -4), weights, constants, 1)).toThrow(
    'the program ends too early',
  );
  for (let i = 0; i < code.length; i++) {
    for (const value of [-1, 0x7fffffff]) {
      const damaged = Int32Array.from(code);
      damaged[i] = value;
      try {
        // What is still accepted must at least stay inside its memory.
        if (i > 6) library.createPlan(damaged, weights, constants, 1);
      } catch (error) {
        expect((error as Error).message).toMatch(/^the program /);
      }
    }
  }
});

test('a library that is no library is named', () => {
  expect(() => loadPlan('/nowhere/bidl_plan.node')).toThrow(
    /plan library \/nowhere\/bidl_plan.node can't be loaded/,
  );
});

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

const scalars = (prefix: string, values: Readonly<Record<string, number>>): PlanGraph['weights'] =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      `${prefix}${name}`,
      { shape: [], data: Float32Array.of(value) },
    ]),
  );
const LIF = { theta: 0.5, v0: 0, alpha: 0.3, beta: 0 };

/** Nodes of a spiking neuron behind `x`, its state under `${layer}v`; its spikes are `${layer}spikes`. */
const lif = (layer: string, x: string, shape: number[]): PlanNode[] => [
  node(`${layer}before`, 'load', [], shape, { key: `${layer}v` }),
  node(`${layer}u`, 'add', [x, `${layer}before`], shape),
  node(`${layer}spikes`, 'fire', [`${layer}u`], shape, { threshold: 0.5 }),
  node(`${layer}next`, 'resetDecay', [`${layer}u`, ...Object.keys(LIF).map((k) => `${layer}${k}`)], shape),
  node(`${layer}after`, 'save', [`${layer}next`], shape, { key: `${layer}v` }),
];
const state = (key: string, shape: number[]) => ({ key, shape, initial: 0, dtype: 'float32' as const });

test('a neuron becomes one operation, and values inside a group need no memory of their own', () => {
  const { code } = lowerGraph({
    ...integrator(),
    outputs: [{ name: 'spikes', value: 'spikes' }],
    nodes: lif('', 'x', [5]),
    weights: scalars('', LIF),
  });
  // Behind version, steps and three lengths: nothing in the arena, one block for the spikes.
  expect([...code.slice(5, 7)]).toEqual([0, 1]);
  // Behind 13 words of sizes: a group that joins no other, of 5 elements, no synapse, two operations, the first a neuron.
  expect([...code.slice(13, 21)]).toEqual([2, 0, 1, 1, 5, 0, 2, ELEMENT_OPS.indexOf('integrateFire')]);
});

const numbers = (shape: number[], scale: number) => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => scale * Math.sin(i)),
});

/** Two spiking convolutions with everything that plans have between them. */
const network = (): PlanGraph => ({
  name: 'network',
  timesteps: 3,
  inputs: [{ name: 'x', type: { shape: [6, 6, 2], dtype: 'uint8' } }],
  outputs: [{ name: 'y', value: 'y' }],
  nodes: [
    node('conv1', 'conv2d', ['x', 'k1'], [6, 6, 16], { stride: [1, 1], padding: [1, 1, 1, 1], groups: 1 }),
    ...lif('a/', 'conv1', [6, 6, 16]),
    node('mp', 'maxPool', ['a/spikes'], [3, 3, 16], { size: [2, 2], stride: [2, 2], padding: [0, 0, 0, 0] }),
    node('conv2', 'conv2d', ['mp', 'k2'], [3, 3, 16], { stride: [1, 1], padding: [1, 1, 1, 1], groups: 1 }),
    ...lif('b/', 'conv2', [3, 3, 16]),
    node('depth', 'conv2d', ['b/spikes', 'k3'], [3, 3, 16], {
      stride: [1, 1],
      padding: [1, 1, 1, 1],
      groups: 16,
    }),
    node('overlap', 'maxPool', ['depth'], [2, 2, 16], {
      size: [2, 2],
      stride: [1, 1],
      padding: [0, 0, 0, 0],
    }),
    node('mean', 'globalAvgPool', ['overlap'], [16]),
    node('y', 'dense', ['mean', 'k4'], [3]),
  ],
  states: [state('a/v', [6, 6, 16]), state('b/v', [3, 3, 16])],
  weights: {
    ...scalars('a/', LIF),
    ...scalars('b/', LIF),
    k1: numbers([3, 3, 2, 16], 0.5),
    k2: numbers([3, 3, 16, 16], 0.5),
    k3: numbers([3, 3, 1, 16], 0.5),
    k4: numbers([16, 3], 0.5),
  },
});

test('what is pooled and spikes goes to the next synapse without a place of its own', () => {
  const graph = network();
  const upTo = graph.nodes.findIndex(({ id }) => id === 'b/spikes') + 1;
  const only = { ...graph, nodes: [...graph.nodes.slice(0, upTo), ...graph.nodes.slice(upTo, upTo + 2)] };
  const { code } = lowerGraph({ ...only, outputs: [{ name: 'y', value: 'b/spikes' }] });
  expect(code[5]).toBe(0);
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

test('a damaged program is refused, whatever word is wrong, or stays inside its memory', () => {
  const program = lowerGraph(network());
  const { code, weights, constants, inputBytes, outputBytes, stateBytes } = program;
  expect(() => library.createPlan(code.slice(0, -4), weights, constants, 1)).toThrow(
    'the program ends too early',
  );
  const [input, output] = [new Uint8Array(2 * inputBytes).fill(1), new Uint8Array(2 * outputBytes)];
  const memory = new Uint8Array(stateBytes);
  let accepted = 0;
  for (let i = 0; i < code.length; i++) {
    for (const value of [-1, 0, 1, code[i] + 1, 40, 0x7fffffff]) {
      const damaged = Int32Array.from(code);
      damaged[i] = value;
      try {
        // The first words say how much memory there is: more of it is no error.
        if (i >= 1 && i <= 6) continue;
        const plan = library.createPlan(damaged, weights, constants, 1);
        accepted++;
        library.planReset(plan, memory, 1);
        library.planRun(plan, input, output, memory, 1, 2);
      } catch (error) {
        expect((error as Error).message).toMatch(/^the program /);
      }
    }
  }
  expect(accepted).toBeGreaterThan(code.length); // among them what it was
});

test('a library that is no library is named', () => {
  expect(() => loadPlan('/nowhere/bidl_plan.node')).toThrow(
    /plan library \/nowhere\/bidl_plan.node can't be loaded/,
  );
});

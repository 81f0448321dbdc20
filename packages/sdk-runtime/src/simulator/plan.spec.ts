import { createExecutor, graphBuilder, packStates, stateTable, type StepGraph } from '@bidl/graph';
import { createPlan, lowerGraph, planPath, type PlanLibrary, preparePlan } from '@bidl/kernels';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { serialize } from 'node:v8';
import { temporaryFolder } from '../testing/artifacts.js';
import { chance, randomFrame, randomNetwork } from '../testing/networks.js';

let library: PlanLibrary;
beforeAll(async () => {
  library = await preparePlan();
}, 120_000);

/** A run of the reference executor over `n` samples: frames, and memory of outputs and states after every step. */
function reference(graph: StepGraph, seed: number, n: number) {
  const rnd = chance(seed);
  const executor = createExecutor(graph);
  const { outputs, outputBytes } = lowerGraph(graph);
  let state = executor.initialState(n);
  return Array.from({ length: graph.timesteps }, () => {
    const frame = randomFrame(graph, rnd, n);
    const step = executor.step([frame], state);
    state = step.state;
    const memory = new Uint8Array(n * outputBytes);
    outputs.forEach(({ offset, bytes }, k) => {
      const all = new Uint8Array(step.outputs[k].buffer);
      for (let b = 0; b < n; b++) {
        memory.set(all.subarray(b * bytes, (b + 1) * bytes), b * outputBytes + offset);
      }
    });
    return { frame, output: memory, state: packStates(stateTable(graph), state, n) };
  });
}

/** Runs the plan over the same frames, `atOnce` steps a call, and compares all memory, bit for bit. */
function compare(graph: StepGraph, seed: number, n: number, atOnce: number, threads?: number): void {
  const plan = createPlan(library, graph, threads);
  const state = new Uint8Array(n * plan.program.stateBytes);
  plan.reset(state, n);
  const all = reference(graph, seed, n);
  for (let t = 0; t < all.length; t += atOnce) {
    const want = all.slice(t, t + atOnce);
    const frames = Buffer.concat(want.map(({ frame }) => asBytes(frame)));
    const output = new Uint8Array(want.length * n * plan.program.outputBytes);
    plan.step(frames, output, state, n, want.length);
    expect([t, Buffer.compare(output, Buffer.concat(want.map((step) => step.output)))]).toEqual([t, 0]);
    expect([t, Buffer.compare(state, want[want.length - 1].state)]).toEqual([t, 0]);
  }
}

const asBytes = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  new Uint8Array(buffer, byteOffset, byteLength);

test.each(Array.from({ length: 60 }, (_, i) => i + 1))(
  'random network %i: every output and state is the reference executor, bit for bit',
  (seed) => compare(randomNetwork(seed), seed, 1 + (seed % 3), 1 + (seed % 4)),
);

/** Large enough for several threads to work on one sample, and for kernels to be taken in pieces. */
function largeNetwork(): StepGraph {
  const rnd = chance(1);
  const b = graphBuilder({ name: 'large', timesteps: 3 });
  let x = b.input('data', { shape: [21, 19, 3], dtype: 'float32' });
  for (const [i, channels] of [80, 150].entries()) {
    const at = { layer: `clif${i}` };
    const kernel = b.weight(`kernel${i}`, rnd.array([3, 3, x.type.shape[2], channels], 0.3));
    const conv = b.conv2d(x, kernel, undefined, { padding: [1, 1, 1, 1] }, at);
    const u = b.node('add', [conv, b.load({ key: `v${i}`, shape: conv.type.shape }, at)], {}, at);
    const params = [0.5, 0, 0.3, 0].map((value, k) => b.numbers(`p${i}${k}`, value));
    b.save(`v${i}`, b.node('resetDecay', [u, ...params], {}, at), at);
    x = b.maxPool(b.node('fire', [u], { threshold: 0.5 }, at), { size: [2, 2] }, { layer: `mp${i}` });
  }
  const inputs = x.type.shape.reduce((a, c) => a * c, 1);
  const flat = b.reshape(x, [inputs], { layer: 'flat' });
  const kernel = b.weight('fc', rnd.array([inputs, 300], 0.1));
  b.output(
    'logits',
    b.node('relu', [b.dense(flat, kernel, undefined, { layer: 'fc' })], {}, { layer: 'fc' }),
  );
  return b.build();
}

test.each([1, 2, 3])('%i thread(s) change nothing', (threads) => {
  compare(largeNetwork(), 5, 1, 1, threads);
  compare(largeNetwork(), 5, 1, 3, threads);
  compare(largeNetwork(), 6, 4, 2, threads);
});

/** The spikes of a step go into the sums of the next one, two layers before. */
function recurrentNetwork(): StepGraph {
  const rnd = chance(2);
  const b = graphBuilder({ name: 'recurrent', timesteps: 5 });
  const at = { layer: 'rnn' };
  const x = b.input('data', { shape: [12], dtype: 'float32' });
  const last = b.load({ key: 'last', shape: [20] }, at);
  const back = b.dense(last, b.weight('back', rnd.array([20, 30], 0.4)), undefined, { layer: 'back' });
  const forth = b.dense(x, b.weight('forth', rnd.array([12, 30], 0.6)), undefined, { layer: 'forth' });
  const hidden = b.node(
    'fire',
    [b.node('add', [back, forth], {}, at)],
    { threshold: 0.3 },
    { layer: 'hidden' },
  );
  const out = b.dense(hidden, b.weight('out', rnd.array([30, 20], 0.4)), undefined, { layer: 'out' });
  const spikes = b.node('fire', [out], { threshold: 0.1 }, { layer: 'out' });
  b.save('last', spikes, at);
  b.output('spikes', spikes);
  return b.build();
}

test.each([1, 2, 5])('a loop through several layers, %i step(s) at once', (atOnce) => {
  compare(recurrentNetwork(), 7, 2, atOnce);
});

/** Runs in a process of its own, since the instruction set is chosen once: plain calls of the native library. */
const OTHER_PROCESS = `
  const { deserialize } = require('node:v8');
  const library = require(process.argv[1]);
  const cases = deserialize(require('node:fs').readFileSync(process.argv[2]));
  let wrong = 0;
  for (const { code, weights, constants, n, frames, outputs, state: want } of cases) {
    for (const atOnce of [1, frames.length]) {
      const plan = library.createPlan(code, weights, constants, 2);
      const state = new Uint8Array(want.length);
      library.planReset(plan, state, n);
      for (let t = 0; t < frames.length; t += atOnce) {
        const output = new Uint8Array(atOnce * outputs[0].length);
        library.planRun(plan, Buffer.concat(frames.slice(t, t + atOnce)), output, state, n, atOnce);
        if (Buffer.compare(output, Buffer.concat(outputs.slice(t, t + atOnce)))) wrong++;
      }
      if (Buffer.compare(state, want)) wrong++;
    }
  }
  console.log(JSON.stringify({ isa: library.isa, cases: cases.length, wrong }));
`;

test('every instruction set of this processor gives the same bits', () => {
  const folder = temporaryFolder();
  const cases = [...Array.from({ length: 20 }, (_, i) => randomNetwork(100 + i)), largeNetwork()].map(
    (graph, i) => {
      const { code, weights, constants } = lowerGraph(graph);
      const n = 1 + (i % 2);
      const steps = reference(graph, i, n);
      const [frames, outputs] = [steps.map(({ frame }) => asBytes(frame)), steps.map(({ output }) => output)];
      return { code, weights, constants, n, frames, outputs, state: steps[steps.length - 1].state };
    },
  );
  const file = path.join(folder.path, 'cases');
  writeFileSync(file, serialize(cases));
  const cache =
    process.env['BIDL_CACHE'] ??
    path.join(process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'bidl');
  const sets = { avx512: ['avx512', 'avx2', 'baseline'], avx2: ['avx2', 'baseline'], baseline: ['baseline'] };
  for (const isa of sets[library.isa]) {
    const env = { ...process.env, BIDL_ISA: isa };
    const out = execFileSync(process.execPath, ['-e', OTHER_PROCESS, planPath(cache), file], {
      env,
      encoding: 'utf8',
    });
    expect(JSON.parse(out)).toEqual({ isa, cases: cases.length, wrong: 0 });
  }
  folder.remove();
});

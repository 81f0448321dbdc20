import { defineNeuron, emitKernel, lif, rectangle } from '@bidl/dynamics';
import { loadOps, neuronPath, opsPath } from '@bidl/kernels';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { startEngine } from '../backend/start.js';
import { cacheRoot } from '../install/cache.js';
import { findCompiler } from '../install/compiler.js';
import { NeuronStore, type NeuronStoreOptions } from './neuron-store.js';

let folder: string;
beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
});
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'bidl-neurons-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A neuron that no cache has: its equations hold a chain of this length. */
const chained = (length: number) =>
  defineNeuron({
    name: `chain-${length}`,
    state: { v: 0 },
    params: {},
    step: (o, x, { v }) => {
      let u = o.add(x, v);
      for (let k = 0; k < length; k++) u = o.tanh(o.mul(o.constant(0.9), u));
      return { out: o.fire(u), state: { v: u } };
    },
  });

function store(options: Partial<NeuronStoreOptions> = {}) {
  const logs: string[] = [];
  const warnings: string[] = [];
  const made = new NeuronStore({
    library: loadOps(opsPath(cacheRoot())),
    cacheDir: folder,
    log: (line) => logs.push(line),
    warn: (line) => warnings.push(line),
    ...options,
  });
  return { store: made, logs, warnings };
}

test('a neuron of one’s own is compiled on first use, with a word about it, and then comes out of the cache', () => {
  const first = store({ library: { ...loadOps(opsPath(cacheRoot())), hasNeuron: () => false } });
  const begin = performance.now();
  expect(first.store.fused(chained(1), rectangle())).toMatchObject({ name: expect.any(String) });
  expect(performance.now() - begin).toBeLessThan(30_000);
  expect(first.logs).toEqual([`Compiling neuron "chain-1": once, it is kept in ${folder}`]);
  expect(readdirSync(path.join(folder, 'neurons'))).toEqual([
    expect.stringMatching(/^[0-9a-f]{16}-\w+\.so$/),
  ]);

  const second = store({ library: { ...loadOps(opsPath(cacheRoot())), hasNeuron: () => false } });
  expect(second.store.fused(chained(1), rectangle())).toMatchObject({ name: expect.any(String) });
  expect([first.warnings, second.warnings, second.logs]).toEqual([[], [], []]);
});

test('what differs only in names and numbers is one kernel', () => {
  const { store: neurons, logs } = store({ cacheDir: cacheRoot() });
  const renamed = defineNeuron({ ...lif(), name: 'mine', params: { ...lif().params, alpha: 0.7 } });
  const names = [
    neurons.fused(lif(), rectangle()),
    neurons.fused(renamed, rectangle({ region: 2, threshold: 0.1 })),
  ].map((fused) => ('name' in fused ? fused.name : fused.obstacle));
  expect(names[1]).toBe(names[0]);
  expect(logs).toEqual([]); // built in
});

test('without a compiler there is one warning, which names the remedy', () => {
  const missing = store({ compiler: () => 'no-such-compiler' });
  for (let k = 0; k < 2; k++) {
    expect(missing.store.fused(chained(2), rectangle())).toEqual({
      obstacle: expect.stringMatching(/neuron "chain-2" has no fused kernel: no C\+\+ compiler/),
    });
  }
  expect(missing.warnings).toEqual([
    expect.stringMatching(/"chain-2".*apt-get install g\+\+.*It runs composed, which is slower/s),
  ]);
  expect(readdirSync(path.join(folder, 'neurons'))).toEqual([]);
});

test('a damaged file in the cache is no crash', () => {
  const { store: neurons, warnings } = store();
  const file = neuronPath(emitKernel(chained(3), rectangle()), loadOps(opsPath(cacheRoot())).isa, folder);
  mkdirSync(path.dirname(file));
  writeFileSync(file, 'not a library');
  expect(neurons.fused(chained(3), rectangle())).toEqual({
    obstacle: expect.stringMatching(/neuron "chain-3" has no fused kernel: .*\.so.*Delete the file/),
  });
  expect(warnings).toHaveLength(1);
});

test('a step that can’t be cut into passes says why', () => {
  const twice = defineNeuron({
    name: 'twice',
    state: { v: 0 },
    params: {},
    step: (o, x, { v }) => ({ out: o.norm(o.norm(x)), state: { v } }),
  });
  expect(store().store.fused(twice, rectangle())).toEqual({
    obstacle: 'neuron "twice" can\'t be fused: its step uses norm more than once',
  });
});

test('two processes that compile the same neuron do not meet', async () => {
  const dynamics = new URL('../../../dynamics/dist/index.js', import.meta.url).href;
  const kernels = new URL('../../../kernels/dist/index.js', import.meta.url).href;
  const script = `
    import { emitKernel, lif, rectangle } from ${JSON.stringify(dynamics)};
    import { buildNeuronSync } from ${JSON.stringify(kernels)};
    console.log(buildNeuronSync(emitKernel(lif(), rectangle()), 'baseline',
      ${JSON.stringify({ cacheDir: folder, compiler: findCompiler(), flags: ['-O0'] })}));`;
  const run = () => promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
  const [first, second] = await Promise.all([run(), run()]);
  expect(second.stdout).toBe(first.stdout);
  expect(readdirSync(path.join(folder, 'neurons'))).toEqual([path.basename(first.stdout.trim())]);
});

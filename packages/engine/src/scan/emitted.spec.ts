import { emitKernel } from '@bidl/dynamics';
import { buildNeurons, loadOps, opsPath } from '@bidl/kernels';
import fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEngine } from '../backend/start.js';
import { cacheRoot } from '../install/cache.js';
import { findCompiler } from '../install/compiler.js';
import { neuronOf, recipes } from './testing/random-neuron.js';
import { equalsReference, type ScanCase } from './testing/scan-case.js';

const NEURONS = 200;
const PER_LIBRARY = 25;
const neurons = fc.sample(recipes, { numRuns: NEURONS, seed: 11 }).map(neuronOf);

const settings = fc.record({
  batch: fc.integer({ min: 1, max: 3 }),
  steps: fc.integer({ min: 1, max: 6 }),
  pixels: fc.integer({ min: 4, max: 12 }),
  channels: fc.constantFrom(1, 3, 8, 17),
  perChannel: fc.boolean(),
  withState: fc.boolean(),
  withBias: fc.boolean(),
  seed: fc.integer({ min: 1, max: 1 << 30 }),
});

let folder: string;
beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
  folder = mkdtempSync(path.join(tmpdir(), 'bidl-emitted-'));
  const kernels = neurons.map(({ neuron, surrogate }) => emitKernel(neuron, surrogate));
  const libraries = Array.from({ length: NEURONS / PER_LIBRARY }, (_, k) =>
    kernels.slice(k * PER_LIBRARY, (k + 1) * PER_LIBRARY),
  );
  const ops = loadOps(opsPath(cacheRoot()));
  // What is tested is the source; the compiler's optimiser would only take its time.
  const options = { cacheDir: folder, compiler: findCompiler(), flags: ['-O0'] };
  const { files } = await buildNeurons(libraries, options, [ops.isa]);
  files.forEach((file) => ops.loadNeurons(file));
}, 600_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('random neurons, emitted and compiled, equal the reference in value, state and gradient', () => {
  const compared = { none: 0, eval: 0, train: 0 };
  const cases = fc.sample(settings, { numRuns: NEURONS, seed: 5 });
  neurons.forEach(({ neuron, surrogate }, k) => {
    const hasNorm = emitKernel(neuron, surrogate).hasNorm;
    for (const norm of hasNorm ? (['none', 'eval', 'train'] as const) : (['none'] as const)) {
      const c: ScanCase = { ...cases[k], neuron, surrogate, norm };
      if (equalsReference(c, 'fused')) compared[norm]++;
    }
  });
  console.log(compared);
  expect(compared.none).toBeGreaterThan(0.9 * NEURONS);
});

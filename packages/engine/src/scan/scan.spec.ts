import { lif, rectangle, SURROGATES, type SurrogateName } from '@bidl/dynamics';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { startEngine } from '../backend/start.js';
import { equalsReference, runCase, type ScanCase } from './testing/scan-case.js';

const spiking = fc
  .constantFrom(...(Object.keys(SURROGATES) as SurrogateName[]))
  .map((name) => ({ neuron: lif(), surrogate: SURROGATES[name]() }));
const analog = fc
  .tuple(
    fc.constantFrom(0, 1, 2, 3),
    fc.constantFrom('relu', 'tanh', 'sigmoid', null),
    fc.constantFrom(0.5, 1),
  )
  .map(([tap, activation, region]) => ({
    neuron: lif({ mode: 'analog', membMode: [tap, activation] }),
    surrogate: rectangle({ region }),
  }));

const cases: fc.Arbitrary<ScanCase> = fc
  .record({
    kind: fc.oneof(spiking, analog),
    batch: fc.integer({ min: 1, max: 5 }),
    steps: fc.integer({ min: 1, max: 9 }),
    pixels: fc.integer({ min: 1, max: 40 }),
    channels: fc.constantFrom(1, 2, 3, 5, 8, 16, 33),
    perChannel: fc.boolean(),
    norm: fc.constantFrom('none', 'train', 'eval'),
    withState: fc.boolean(),
    withBias: fc.boolean(),
    seed: fc.integer({ min: 1, max: 1 << 30 }),
  })
  // A channel with one value a step has no spread: its normalised value is rounding noise.
  .filter(({ norm, batch, pixels }) => norm !== 'train' || batch * pixels >= 4)
  .map(({ kind, ...rest }) => ({ ...kind, ...rest }));

describe.each(['fused', 'composed'] as const)('%s scan of the built-in neurons', (form) => {
  beforeAll(async () => {
    await startEngine({ backend: 'tensorflow' });
  });

  test('equals the reference interpreter in value, state, statistics and gradient', () => {
    let compared = 0;
    fc.assert(
      fc.property(cases, (c) => {
        if (equalsReference(c, form)) compared++;
      }),
      { numRuns: 90, seed: 42 },
    );
    expect(compared).toBeGreaterThanOrEqual(75);
  });

  test('leaves no tensor behind', () => {
    const c: ScanCase = {
      neuron: lif(),
      surrogate: rectangle(),
      batch: 2,
      steps: 3,
      pixels: 4,
      channels: 8,
      perChannel: true,
      norm: 'train',
      withState: true,
      withBias: true,
      seed: 7,
    };
    runCase(c, form);
    const before = tf.memory().numTensors;
    runCase(c, form);
    expect(tf.memory().numTensors).toBe(before);
  });
});

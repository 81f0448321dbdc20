import { lif, rectangle, SURROGATES, type SurrogateName } from '@bidl/dynamics';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { startEngine } from '../backend/start.js';
import { neuronScan } from './scan.js';
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

test('an output larger than the caches is that of its samples one by one, to the bit', async () => {
  await startEngine({ backend: 'tensorflow' });
  // 128 MiB, in rows that begin at any float
  const shape = [2, 2, 2796203, 3] as const;
  const neuron = lif();
  const params = Object.fromEntries(
    Object.entries(neuron.params).map(([key, value]) => [key, tf.variable(tf.scalar(value), false)]),
  );
  const x = tf.randomUniform([...shape], -1, 2, 'float32', 1);
  const out = (input: tf.Tensor) =>
    neuronScan(neuron, { x: input, params, surrogate: rectangle(), training: true, form: 'fused' }).out;
  const gradient = (input: tf.Tensor) => tf.grad((of) => tf.sum(tf.mul(out(of), of)))(input);
  const [spikes, slopes] = [out(x), gradient(x)];
  expect(tf.sum(spikes).dataSync()[0]).toBeGreaterThan(1e6);
  for (const sample of [0, 1]) {
    tf.tidy(() => {
      const part = (y: tf.Tensor) => tf.slice(y, sample, 1);
      expect(tf.all(tf.equal(part(spikes), out(part(x)))).dataSync()[0]).toBe(1);
      expect(tf.all(tf.equal(part(slopes), gradient(part(x)))).dataSync()[0]).toBe(1);
    });
  }
  tf.dispose([x, spikes, slopes, Object.values(params)]);
});

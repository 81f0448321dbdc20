import { NEURONS, SURROGATES, type NeuronName } from '@bidl/dynamics';
import { startEngine } from '../backend/start.js';
import { equalsReference, type ScanCase } from './testing/scan-case.js';

beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
});

/** Those whose state is of the size of 1; in mV, rounding is worth more than what the comparison allows. */
const names: readonly NeuronName[] = ['IF', 'PLIF', 'CubaLIF', 'ALIF', 'LI'];

test.each(names)('%s: composed and fused equal the reference in value, state and gradient', (name) => {
  let compared = 0;
  for (const norm of ['none', 'eval', 'train'] as const) {
    const settings: ScanCase = {
      neuron: NEURONS[name](),
      surrogate: SURROGATES.ArcTan(),
      batch: 3,
      steps: 5,
      pixels: 4,
      channels: 8,
      perChannel: true,
      norm,
      withState: true,
      withBias: true,
      seed: 12,
    };
    for (const form of ['composed', 'fused'] as const) if (equalsReference(settings, form)) compared++;
  }
  expect(compared).toBeGreaterThan(3);
});

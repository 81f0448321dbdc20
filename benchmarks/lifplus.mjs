// LIF+ with the features that upstream ships everywhere, next to LIF: a layer of neurons alone (`lifplus-<n>`, as `lif-<n>`
// is measured) and a training step of SeqClifplus3Fc3DmItout next to SeqClif3Fc3DmItout. Goal: at most 1.5 times LIF's time.
import { startEngine } from '@bidl/engine';
import { lif, lifPlus } from '@bidl/dynamics';
import { lifInputs, LifLayer } from './lib/lif-layer.mjs';
import { storedBatch } from './lib/network-cases.mjs';
import { build, timed } from './lib/network.mjs';

const STEPS = 500;
const SIZES = [1024, 16_384];

export async function* cases({ size, steps = STEPS }) {
  await startEngine({ backend: 'tensorflow' });
  for (const n of size ? [size] : SIZES) {
    yield { name: `lifplus-${n}`, mode: 'spike', against: 'lif', forms: layers(n, steps) };
  }
  yield { name: 'lifplus-step', mode: 'spike', against: 'lif', forms: networks(storedBatch()) };
}

/** Forward and backward of n neurons. */
function layers(n, steps) {
  const inputs = lifInputs(n, steps, false);
  return [
    ['lifplus', lifPlus({ accumulation: 'COBE' })],
    ['lif', lif()],
  ].map(([form, definition]) => {
    const layer = new LifLayer({ definition, params: definition.params }, inputs);
    return { form, run: () => layer.step('fused') };
  });
}

/** A training step of the network with either neuron. */
export const networks = (batch) =>
  [
    ['lifplus', 'SeqClifplus3Fc3DmItout'],
    ['lif', 'SeqClif3Fc3DmItout'],
  ].map(([form, type]) => ({ form, run: timed('train-step', 'fused', build('spike', { type }), batch).run }));

import { loadSafetensors } from '@bidl/formats';
import { relativeDistance } from './distance.mjs';

/**
 * Sums in another order put a membrane within rounding of the threshold on its other side, here and there; from such a step
 * on the neuron takes another path until it fires again. Share of steps that may differ so.
 */
const DIFFERENT_SPIKES = 1e-4;
/** Relative distance of gradients, which those paths take along. */
const DIFFERENT_GRADIENTS = 1e-2;

/** @throws an Error when spikes or gradients are further apart than rounding explains @returns what was found */
export function compareLif(ours, file, peer) {
  const { tensors } = loadSafetensors(file);
  const found = [];
  for (const [name, array] of ours) {
    const theirs = tensors.get(name)?.data;
    if (theirs?.length !== array.length) throw new Error(`bench: ${peer} has no ${name} of ${array.length}`);
    const spikes = name === 'out';
    const apart = spikes ? different(array, theirs) : relativeDistance(array, theirs);
    const allowed = spikes ? DIFFERENT_SPIKES : DIFFERENT_GRADIENTS;
    const text = `${name} ${apart.toExponential(1)} apart`;
    if (!(apart <= allowed)) throw new Error(`bench: ours and ${peer} differ: ${text}, ${allowed} allowed`);
    found.push(text);
  }
  return `${found.join(', ')}; ${((100 * sum(ours.get('out'))) / ours.get('out').length).toFixed(1)} % spikes`;
}

const different = (a, b) => a.reduce((count, value, i) => count + (value === b[i] ? 0 : 1), 0) / a.length;
const sum = (array) => array.reduce((total, value) => total + value, 0);

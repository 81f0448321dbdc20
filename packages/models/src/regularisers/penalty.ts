import { tf } from '@bidl/engine';
import { SpikingLayer, type Collect } from '@bidl/neurons';
import { ModelError } from '../errors.js';
import type { Regulariser, RegulariserRun } from './regulariser.js';

/** What each layer of a run adds to the loss: `weight · term`, summed over the regularisers that look at it. */
export function penalties(regularize: readonly Regulariser[], run: RegulariserRun): Collect {
  return (layer, [x], out, state) => {
    if (!(layer instanceof SpikingLayer) || !x) return undefined;
    const terms = regularize.filter((term) => looksAt(term, layer));
    if (terms.length === 0) return undefined;
    const here = { ...run, ...(state && { state }) };
    return tf.tidy(() => tf.addN(terms.map((term) => term.term(layer, x, out, here).mul(term.weight))));
  };
}

/**
 * Checks that every regulariser finds the layers that it names, and at least one.
 *
 * @throws ModelError naming the term, what is wrong, and the layers that there are.
 */
export function watched(network: tf.LayersModel, regularize: readonly Regulariser[]): void {
  const spiking = network.layers.filter((layer) => layer instanceof SpikingLayer);
  regularize.forEach((term, i) => {
    const place = `model.regularize[${i}] (${term.type})`;
    const suited = spiking.filter((layer) => term.suits(layer)).map(({ name }) => name);
    for (const name of term.layers ?? []) {
      if (suited.includes(name)) continue;
      throw new ModelError(
        `${place} can't look at a layer "${name}" of ${network.name}; it can at ${suited.join(', ') || 'none'}`,
      );
    }
    if (suited.length === 0) throw new ModelError(`${place} suits no layer of ${network.name}; leave it out`);
  });
}

const looksAt = (term: Regulariser, layer: SpikingLayer): boolean =>
  term.layers ? term.layers.includes(layer.name) : term.suits(layer);

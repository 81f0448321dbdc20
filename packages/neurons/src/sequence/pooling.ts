import type { tf } from '@bidl/engine';
import { MaxPool2d } from '../layers/max-pool2d.js';
import { OverTime } from '../layers/over-time.js';
import { SpikingLayer } from '../layers/spiking-layer.js';
import type { Place } from '../stepper/walk.js';

/** A place whose neurons pool their output, and stand for the pooling layer too. */
export interface PooledPlace extends Place {
  readonly pool?: boolean;
}

/** Joins every 2x2 max-pooling to the spiking neurons before it, where nothing else reads what they give. */
export function withPooling(places: readonly Place[], output: tf.SymbolicTensor): readonly PooledPlace[] {
  const readers = (symbol: tf.SymbolicTensor) =>
    places.filter(({ inputs }) => inputs.some(({ id }) => id === symbol.id));
  const joined = new Set<Place>();
  const pooled = places.map((place): PooledPlace => {
    if (!(place.layer instanceof SpikingLayer) || place.output.id === output.id) return place;
    const [reader, ...others] = readers(place.output);
    if (reader === undefined || others.length > 0 || !halves(reader.layer)) return place;
    joined.add(reader);
    return { ...place, output: reader.output, pool: true };
  });
  return pooled.filter((_, i) => !joined.has(places[i] as Place));
}

/** Whether a layer is max-pooling of every step, 2x2 with stride 2 and without padding. */
function halves(layer: tf.layers.Layer): boolean {
  const two = (size: unknown) => Array.isArray(size) && size.length === 2 && size.every((n) => n === 2);
  if (layer instanceof MaxPool2d) {
    return two(layer.kernelSize) && two(layer.stride) && layer.padding.every((n) => n === 0);
  }
  if (!(layer instanceof OverTime) || layer.layer.getClassName() !== 'MaxPooling2D') return false;
  const { poolSize, strides, padding } = layer.layer.getConfig();
  return two(poolSize) && two(strides) && padding === 'valid';
}

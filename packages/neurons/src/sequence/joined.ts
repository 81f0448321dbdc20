import type { tf } from '@bidl/engine';
import { BatchNorm } from '../layers/batch-norm.js';
import { Conv2d } from '../layers/conv2d.js';
import { MaxPool2d } from '../layers/max-pool2d.js';
import { OverTime } from '../layers/over-time.js';
import { SpikingLayer } from '../layers/spiking-layer.js';
import type { Place } from '../stepper/walk.js';

/** A place that stands for a neighbour too. */
export interface JoinedPlace extends Place {
  /** Its neurons pool their output. */
  readonly pool?: boolean;
  /** What its BatchNorm normalises: the input is the convolution's. */
  readonly convolution?: Conv2d;
}

/**
 * Joins what is computed in one pass over memory: neurons and the pooling behind them, a convolution's bias and the
 * BatchNorm behind it.
 */
export const joined = (places: readonly Place[], output: tf.SymbolicTensor): readonly JoinedPlace[] =>
  withConvolutions(withPooling(places, output), output);

/** What reads a value, if that is a single place and the value isn't the network's own. */
function onlyReader<P extends Place>(
  places: readonly P[],
  { id }: tf.SymbolicTensor,
  output: tf.SymbolicTensor,
): P | undefined {
  const [reader, ...others] = places.filter(({ inputs }) => inputs.some((input) => input.id === id));
  return others.length > 0 || id === output.id ? undefined : reader;
}

/** Joins every convolution with a bias to the BatchNorm behind it, where nothing else reads what it gives. */
function withConvolutions(places: readonly JoinedPlace[], output: tf.SymbolicTensor): readonly JoinedPlace[] {
  const normed = new Map<JoinedPlace, { readonly from: JoinedPlace; readonly convolution: Conv2d }>();
  for (const place of places) {
    const { layer } = place;
    const reader = onlyReader(places, place.output, output);
    if (layer instanceof Conv2d && layer.bias() && place.timed && reader?.layer instanceof BatchNorm) {
      normed.set(reader, { from: place, convolution: layer });
    }
  }
  const taken = new Set([...normed.values()].map(({ from }) => from));
  return places
    .filter((place) => !taken.has(place))
    .map((place) => {
      const found = normed.get(place);
      return found ? { ...place, inputs: found.from.inputs, convolution: found.convolution } : place;
    });
}

/** Joins every 2x2 max-pooling to the spiking neurons before it, where nothing else reads what they give. */
function withPooling(places: readonly Place[], output: tf.SymbolicTensor): readonly JoinedPlace[] {
  const taken = new Set<Place>();
  const pooled = places.map((place): JoinedPlace => {
    const reader = onlyReader(places, place.output, output);
    if (!(place.layer instanceof SpikingLayer) || !reader || !halves(reader.layer)) return place;
    taken.add(reader);
    return { ...place, output: reader.output, pool: true };
  });
  return pooled.filter((_, i) => !taken.has(places[i] as Place));
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

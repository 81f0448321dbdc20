import { tf } from '@bidl/engine';
import { BatchNorm } from '../layers/batch-norm.js';
import { OverTime } from '../layers/over-time.js';
import { SpikingLayer } from '../layers/spiking-layer.js';
import type { JoinedPlace } from './joined.js';

/** Places that are computed as one, in order: the value of the last is the only one that others read. */
export interface Segment {
  readonly places: readonly JoinedPlace[];
  /** What they read of others. */
  readonly inputs: readonly tf.SymbolicTensor[];
  readonly output: tf.SymbolicTensor;
  /** Whether computing them again gives the same and changes nothing. */
  readonly repeatable: boolean;
}

/** Every place for itself, which nobody means to repeat. */
export const onePlaceEach = (places: readonly JoinedPlace[]): Segment[] =>
  places.map((place) => ({ ...segmentOf([place]), repeatable: false }));

/**
 * What lies between spikes, each a segment: spiking neurons with all that leads to them from spikes, such as a convolution
 * and a BatchNorm. What others read as well, or what can't be repeated, stays alone.
 */
export function betweenSpikes(places: readonly JoinedPlace[], output: tf.SymbolicTensor): Segment[] {
  const owners = new Map<JoinedPlace, JoinedPlace>();
  for (const place of [...places].reverse()) {
    const readers = places.filter(({ inputs }) => inputs.some(({ id }) => id === place.output.id));
    const [owner, ...others] = new Set(readers.map((reader) => owners.get(reader)));
    const inner = owner !== undefined && others.length === 0 && place.output.id !== output.id;
    if (!isRepeatable(place)) continue;
    if (place.layer instanceof SpikingLayer) owners.set(place, place);
    else if (inner) owners.set(place, owner);
  }
  return places.flatMap((place) => {
    const owner = owners.get(place);
    if (owner === undefined) return onePlaceEach([place]);
    return owner === place ? [segmentOf(places.filter((p) => owners.get(p) === owner))] : [];
  });
}

function segmentOf(places: readonly JoinedPlace[]): Segment {
  const own = new Set(places.map(({ output }) => output.id));
  const read = new Map(places.flatMap(({ inputs }) => inputs).map((symbol) => [symbol.id, symbol]));
  const [last] = places.slice(-1) as [JoinedPlace];
  return {
    places,
    inputs: [...read.values()].filter(({ id }) => !own.has(id)),
    output: last.output,
    repeatable: true,
  };
}

/** Whether a place is computed by its layer's `run`, which changes nothing: what training advances is handed back. */
export const runsAsFunction = ({ layer, inputs, timed }: JoinedPlace): boolean =>
  timed && inputs.length === 1 && (layer instanceof SpikingLayer || layer instanceof BatchNorm);

/** tfjs's layers that draw other numbers at every call. */
const DRAWING = new Set(['Dropout', 'SpatialDropout1D', 'GaussianNoise', 'GaussianDropout', 'AlphaDropout']);

/** Whether computing a place again gives the same. Weights that aren't trained may be what a call advances. */
function isRepeatable(place: JoinedPlace): boolean {
  const layer = place.layer instanceof OverTime ? place.layer.layer : place.layer;
  return (
    runsAsFunction(place) || (layer.nonTrainableWeights.length === 0 && !DRAWING.has(layer.getClassName()))
  );
}

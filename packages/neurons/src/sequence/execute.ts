import { tf } from '@bidl/engine';
import { SpikingLayer } from '../layers/spiking-layer.js';
import { isResumable, type Resumable, type State } from '../layers/stateful.js';
import { valueOf, type NetworkState, type Watch } from '../stepper/stepper.js';
import { walk, type Place } from '../stepper/walk.js';
import { withPooling, type PooledPlace } from './pooling.js';

export interface SequenceOptions {
  /** BatchNorm with the batch's own statistics, which the running ones follow; training noise. Default false. */
  readonly training?: boolean;
  /** Number of the training iteration: noise is a function of seed, layer and this. Default 0. */
  readonly iteration?: number;
  /** Sees every layer's inputs and output, `[B, T, ...]`; the tensors live until it returns. */
  readonly watch?: Watch;
  /** Makes something of a layer's inputs and output, `[B, T, ...]`, that outlives the run: see {@link PartRun.collected}. */
  readonly collect?: Collect;
}

/**
 * Sees one layer's inputs and output over a sequence, `[B, T, ...]`, and the state that it started from if it was given
 * one; may make a tensor of them.
 */
export type Collect = (
  layer: tf.layers.Layer,
  inputs: readonly tf.Tensor[],
  out: tf.Tensor,
  state: State | undefined,
) => tf.Tensor | undefined;

export interface PartOptions extends SequenceOptions {
  /** State to start from, as an earlier part gave it; layers left out start anew. */
  readonly state?: NetworkState | undefined;
}

export interface PartRun {
  readonly out: tf.Tensor;
  /** State after the last step of every layer that runs in parts. */
  readonly state: NetworkState;
  /** What `collect` made, in the order of the layers. */
  readonly collected: tf.Tensor[];
}

/**
 * What computes a network over sequences `[B, T, ...]`: its layers in order, a 2x2 max-pooling that alone follows
 * spiking neurons in their own pass over memory, every value freed when the last layer that needs it has had it.
 *
 * @param inParts start every layer that can from a state, the aggregation too; else spiking layers only
 * @throws StepError for a model with several inputs or outputs.
 */
export function executor(
  model: tf.LayersModel,
  inParts: boolean,
): (x: tf.Tensor, options?: PartOptions) => PartRun {
  const { input, output, places } = walk(model);
  const pooled = withPooling(places, output);
  const runs = (layer: tf.layers.Layer): layer is tf.layers.Layer & Resumable =>
    inParts ? isResumable(layer) : layer instanceof SpikingLayer;

  function compute({ layer, timed, pool }: PooledPlace, given: readonly tf.Tensor[], options: PartOptions) {
    const { training = false, iteration = 0, state } = options;
    const [first] = given;
    if (!timed || !first || given.length > 1 || !runs(layer)) {
      const inputs = given.length === 1 && first ? first : [...given];
      return { out: layer.apply(inputs, { training, iteration }) as tf.Tensor };
    }
    const from = state?.[layer.name];
    const made = layer.run(first, {
      training,
      iteration,
      ...(pool && { pool }),
      ...(from && { state: from }),
    });
    if (training) layer.advance?.(made.running);
    return made;
  }

  return (x, options = {}) =>
    tf.tidy(() => {
      const next: Record<string, State> = {};
      const values = new Map<number, tf.Tensor>([[input.id, x]]);
      const collected: tf.Tensor[] = [];
      const order = options.watch || options.collect ? places : pooled;
      const waiting = readers(order);
      for (const place of order) {
        const given = place.inputs.map((symbol) => valueOf(values, symbol, place.layer.name));
        const { out, state }: { out: tf.Tensor; state?: State } = compute(place, given, options);
        if (state) next[place.layer.name] = state;
        // A sum so far is output and state in one: the state must outlive the output.
        values.set(place.output.id, state && Object.values(state).includes(out) ? out.clone() : out);
        options.watch?.(place.layer, given, out);
        const made = options.collect?.(place.layer, given, out, options.state?.[place.layer.name]);
        if (made) collected.push(made);
        for (const { id } of place.inputs) {
          const left = (waiting.get(id) ?? 1) - 1;
          waiting.set(id, left);
          if (left === 0 && id !== input.id) values.get(id)?.dispose();
        }
      }
      return { out: valueOf(values, output, model.name), state: next, collected };
    });
}

/** How many places read each value. */
function readers(places: readonly Place[]): Map<number, number> {
  const count = new Map<number, number>();
  for (const { inputs } of places) for (const { id } of inputs) count.set(id, (count.get(id) ?? 0) + 1);
  return count;
}

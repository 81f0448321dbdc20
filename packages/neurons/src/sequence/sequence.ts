import { tf } from '@bidl/engine';
import { StepError } from '../errors.js';
import { SpikingLayer } from '../layers/spiking-layer.js';
import type { State } from '../layers/stateful.js';
import type { NetworkState, Watch } from '../stepper/stepper.js';
import { walk, type Place } from '../stepper/walk.js';
import { withPooling } from './pooling.js';

export interface SequenceOptions {
  /** BatchNorm with the batch's own statistics, which the running ones follow; training noise. Default false. */
  readonly training?: boolean;
  /** Number of the training iteration: noise is a function of seed, layer and this. Default 0. */
  readonly iteration?: number;
  /** State of spiking layers to start from, as an earlier run gave it; those left out start anew. */
  readonly state?: NetworkState;
  /** Sees every layer's inputs and output, `[B, T, ...]`; the tensors live until it returns. */
  readonly watch?: Watch;
}

export interface SequenceRun {
  readonly out: tf.Tensor;
  /** State of the spiking layers after the last step. */
  readonly state: NetworkState;
}

/** A network over whole sequences. */
export interface Sequence {
  /** @param x `[B, T, ...]` */
  run(x: tf.Tensor, options?: SequenceOptions): SequenceRun;
}

/**
 * Runs a network over whole sequences, its state given in and handed back on request: the twin of {@link stepper}.
 *
 * It computes what `model.apply` does. A 2x2 max-pooling that alone follows spiking neurons runs in their own pass over
 * memory, and every layer's output is freed when the last one that needs it has had it.
 *
 * @throws StepError for a model with several inputs or outputs.
 *
 * @example
 * const { out, state } = sequence(model).run(firstHalf);
 * const rest = sequence(model).run(secondHalf, { state });
 */
export function sequence(model: tf.LayersModel): Sequence {
  const { input, output, places } = walk(model);
  const pooled = withPooling(places, output);
  return {
    run: (x, options = {}) =>
      tf.tidy(() => {
        const next: Record<string, State> = {};
        const values = new Map<number, tf.Tensor>([[input.id, x]]);
        const waiting = consumers(options.watch ? places : pooled);
        for (const place of options.watch ? places : pooled) {
          const given = place.inputs.map((symbol) => valueOf(values, symbol, place.layer.name));
          const { out, state } = compute(place, given, options);
          if (state) next[place.layer.name] = state;
          values.set(place.output.id, out);
          options.watch?.(place.layer, given, out);
          for (const { id } of place.inputs) {
            const left = (waiting.get(id) ?? 1) - 1;
            waiting.set(id, left);
            if (left === 0 && id !== input.id) values.get(id)?.dispose();
          }
        }
        return { out: valueOf(values, output, model.name), state: next };
      }),
  };
}

function compute(
  { layer, pool }: Place & { readonly pool?: boolean },
  given: readonly tf.Tensor[],
  { training = false, iteration = 0, state }: SequenceOptions,
): { out: tf.Tensor; state?: State } {
  const [first] = given;
  if (layer instanceof SpikingLayer && first && given.length === 1) {
    const from = state?.[layer.name];
    return layer.advance(first, { training, iteration, ...(pool && { pool }), ...(from && { state: from }) });
  }
  const inputs = given.length === 1 && first ? first : [...given];
  return { out: layer.apply(inputs, { training, iteration }) as tf.Tensor };
}

/** How many places read each value. */
function consumers(places: readonly Place[]): Map<number, number> {
  const count = new Map<number, number>();
  for (const { inputs } of places) for (const { id } of inputs) count.set(id, (count.get(id) ?? 0) + 1);
  return count;
}

function valueOf(
  values: ReadonlyMap<number, tf.Tensor>,
  symbol: tf.SymbolicTensor,
  layer: string,
): tf.Tensor {
  const value = values.get(symbol.id);
  if (!value) throw new StepError(layer, 'needs a value that was not computed');
  return value;
}

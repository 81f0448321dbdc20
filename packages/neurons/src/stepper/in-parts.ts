import { tf } from '@bidl/engine';
import { StepError } from '../errors.js';
import { isResumable, isStateful, type PartOptions, type State } from '../layers/stateful.js';
import { assertSteppable, valueOf, type NetworkState } from './stepper.js';
import { walk, type Place } from './walk.js';

export interface PartRunOptions extends Pick<PartOptions, 'training' | 'iteration'> {
  /** State to start from, as an earlier part gave it; the initial state when left out. */
  readonly state?: NetworkState | undefined;
}

export interface PartRunner {
  /**
   * A part of a sequence, `[B, T, ...]` with any T. `out` is what the network would give if the sequence ended with this
   * part, `state` what the next part needs; both are the caller's to dispose of. In training, running statistics
   * advance.
   */
  run(x: tf.Tensor, options?: PartRunOptions): { readonly out: tf.Tensor; readonly state: NetworkState };
}

/**
 * Runs a network over sequences in parts, its state given in and handed back: for truncated backpropagation, long
 * recordings, and state that is carried on purpose from one call to the next. All parts together give what the network
 * gives for the whole sequence.
 *
 * @throws StepError naming the layer that mixes time steps, or keeps a state that it can't start from.
 *
 * @example
 * const { run } = inParts(model);
 * const first = run(x.slice([0, 0], [-1, 50]));
 * const second = run(x.slice([0, 50], [-1, 50]), { state: first.state }); // second.out is model.predict(x)
 */
export function inParts(model: tf.LayersModel): PartRunner {
  const { input, output, places } = walk(model);
  for (const place of places) {
    assertSteppable(place);
    assertResumable(place);
  }
  return {
    run: (x, { state = {}, training = false, iteration = 0 } = {}) =>
      tf.tidy(() => {
        const next: Record<string, State> = {};
        const values = new Map<number, tf.Tensor>([[input.id, x]]);
        for (const { layer, inputs, output: made, timed } of places) {
          const given = inputs.map((symbol) => valueOf(values, symbol, layer.name));
          const [first] = given;
          if (timed && first && isResumable(layer)) {
            const from = state[layer.name];
            const part = layer.run(first, { training, iteration, ...(from && { state: from }) });
            if (training) layer.advance?.(part.running);
            next[layer.name] = part.state;
            values.set(made.id, part.out);
          } else {
            const applied = layer.apply(given.length === 1 && first ? first : given, { training, iteration });
            values.set(made.id, applied as tf.Tensor);
          }
        }
        return { out: valueOf(values, output, model.name), state: next };
      }),
  };
}

/** Layers without a state of their own see each step alone, so their sequence form does for a part. */
function assertResumable({ layer, inputs, timed }: Place): void {
  if (!timed || isResumable(layer) || !isStateful(layer)) return;
  const [, , ...rest] = inputs[0]?.shape ?? [];
  const state = layer.initialState([1, ...rest.map((size) => size ?? 1)]);
  tf.dispose(state);
  if (Object.keys(state).length === 0) return;
  throw new StepError(
    layer.name,
    `(${layer.getClassName()}) has a state but no run(x, { state }), so a sequence can't be run in parts`,
  );
}

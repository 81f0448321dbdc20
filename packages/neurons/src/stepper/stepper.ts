import { tf } from '@bidl/engine';
import { StepError } from '../errors.js';
import { Aggregation } from '../layers/aggregation.js';
import { isStateful, type State } from '../layers/stateful.js';
import { walk, type Place } from './walk.js';

/** State of a whole network: by layer name, then by variable name. Layers without state are left out. */
export type NetworkState = Readonly<Record<string, State>>;

/** Sees one layer's inputs and output in one step, `[B, ...]`; the tensors live until it returns. */
export type Watch = (layer: tf.layers.Layer, inputs: readonly tf.Tensor[], out: tf.Tensor) => void;

export interface Stepper {
  /** State before the first step of a batch. The caller disposes of it, `tf.dispose(state)`. */
  initialState(batch: number): NetworkState;
  /**
   * One time step in evaluation mode, `[B, ...]` (no T). `out` is what the sequence form would give if it ended
   * here; the given state stays as it is, the new one is the caller's to dispose of. `watch` sees every layer at
   * work.
   */
  step(
    x: tf.Tensor,
    state: NetworkState,
    watch?: Watch,
  ): { readonly out: tf.Tensor; readonly state: NetworkState };
}

/** tfjs layers that do the same to every value, whatever the axes: they may meet sequences without OverTime. */
const ELEMENTWISE: ReadonlySet<string> = new Set([
  'Add',
  'Subtract',
  'Multiply',
  'Average',
  'Maximum',
  'Minimum',
  'Activation',
  'ReLU',
  'LeakyReLU',
  'ELU',
  'ThresholdedReLU',
  'Dropout',
  'GaussianDropout',
  'GaussianNoise',
  'AlphaDropout',
]);

/**
 * Runs a network one time step at a time, its state given in and handed back: for streams, for compiling, and to
 * prove that both ways of running agree.
 *
 * It walks the model's own graph, residual additions included.
 *
 * @throws StepError naming the layer that mixes time steps (so the network has a sequence form only).
 *
 * @example
 * const { initialState, step } = stepper(model);
 * let state = initialState(1);
 * for (const frame of frames) ({ out, state } = step(frame, state));
 */
export function stepper(model: tf.LayersModel): Stepper {
  const { input, output, places } = walk(model);
  for (const place of places) assertSteppable(place);

  return {
    initialState: (batch) =>
      Object.fromEntries(
        places.flatMap(({ layer, inputs, timed }) => {
          if (!timed || !isStateful(layer)) return [];
          const state = layer.initialState(perStepShape(inputs[0], batch, layer.name));
          return Object.keys(state).length === 0 ? [] : [[layer.name, state]];
        }),
      ),
    step: (x, state, watch) =>
      tf.tidy(() => {
        const next: Record<string, State> = {};
        const values = new Map<number, tf.Tensor>([[input.id, x]]);
        for (const { layer, inputs, output: made, timed } of places) {
          const given = inputs.map((symbol) => valueOf(values, symbol, layer.name));
          const [first] = given;
          if (timed && isStateful(layer) && first) {
            const result = layer.step(first, state[layer.name] ?? {});
            if (Object.keys(result.state).length > 0) next[layer.name] = result.state;
            values.set(made.id, result.out);
          } else {
            const applied = layer.apply(given.length === 1 && first ? first : given, { training: false });
            values.set(made.id, applied as tf.Tensor);
          }
          watch?.(layer, given, valueOf(values, made, layer.name));
        }
        return { out: valueOf(values, output, model.name), state: next };
      }),
  };
}

/** @throws StepError for a layer that mixes time steps */
export function assertSteppable({ layer, timed }: Place): void {
  if (!timed || isStateful(layer) || ELEMENTWISE.has(layer.getClassName())) {
    if (timed && layer instanceof Aggregation) tf.dispose(layer.initialState([1]));
    return;
  }
  throw new StepError(
    layer.name,
    `(${layer.getClassName()}) sees the whole sequence at once, so the network can't run step by step; ` +
      `if it works on each step alone, wrap it: new OverTime(layer)`,
  );
}

function perStepShape(symbol: tf.SymbolicTensor | undefined, batch: number, layer: string): number[] {
  const [, , ...rest] = symbol?.shape ?? [];
  const sizes = rest.map((size) => size ?? 0);
  if (sizes.includes(0)) {
    throw new StepError(
      layer,
      `has an input of unknown size [${rest.join(', ')}]; build the model with sizes`,
    );
  }
  return [batch, ...sizes];
}

/** The value of a place that comes before. */
export function valueOf(
  values: ReadonlyMap<number, tf.Tensor>,
  symbol: tf.SymbolicTensor,
  layer: string,
): tf.Tensor {
  const value = values.get(symbol.id);
  if (!value) throw new StepError(layer, 'needs a value that was not computed');
  return value;
}

import { tf } from '@bidl/engine';
import { StepError } from '../errors.js';
import { Aggregation } from '../layers/aggregation.js';
import { isStateful, type State } from '../layers/stateful.js';

/** State of a whole network: by layer name, then by variable name. Layers without state are left out. */
export type NetworkState = Readonly<Record<string, State>>;

export interface Stepper {
  /** State before the first step of a batch. The caller disposes of it, `tf.dispose(state)`. */
  initialState(batch: number): NetworkState;
  /**
   * One time step in evaluation mode, `[B, ...]` (no T). `out` is what the sequence form would give if it ended
   * here; the given state stays as it is, the new one is the caller's to dispose of.
   */
  step(x: tf.Tensor, state: NetworkState): { readonly out: tf.Tensor; readonly state: NetworkState };
}

/** One place in the network's graph: a layer with its inputs, in an order in which they can be computed. */
interface Place {
  readonly layer: tf.layers.Layer;
  readonly inputs: readonly tf.SymbolicTensor[];
  readonly output: tf.SymbolicTensor;
  /** Its input still has a time axis in the sequence form. */
  readonly timed: boolean;
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
  const [input, ...moreInputs] = model.inputs;
  const [output, ...moreOutputs] = model.outputs;
  if (!input || !output || moreInputs.length > 0 || moreOutputs.length > 0) {
    throw new StepError(model.name, 'has several inputs or outputs; the stepper takes one of each');
  }
  const places = inOrder(input, output);
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
    step: (x, state) =>
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
        }
        return { out: valueOf(values, output, model.name), state: next };
      }),
  };
}

/** The layers between input and output, each after those it needs. */
function inOrder(input: tf.SymbolicTensor, output: tf.SymbolicTensor): Place[] {
  const places: Place[] = [];
  const timed = new Map<number, boolean>([[input.id, true]]);
  const visit = (symbol: tf.SymbolicTensor): boolean => {
    const known = timed.get(symbol.id);
    if (known !== undefined) return known;
    const layer = symbol.sourceLayer;
    const node = layer.inboundNodes[symbol.nodeIndex];
    if (!node || node.inputTensors.length === 0) {
      throw new StepError(layer.name, 'is an input that the model was not given');
    }
    const inputs = node.inputTensors;
    const over = inputs.map(visit);
    const inputTimed = over.some(Boolean);
    if (inputTimed && !over.every(Boolean)) {
      throw new StepError(layer.name, 'joins a sequence with something that has no time axis');
    }
    places.push({ layer, inputs, output: symbol, timed: inputTimed });
    const outTimed = inputTimed && !(layer instanceof Aggregation);
    timed.set(symbol.id, outTimed);
    return outTimed;
  };
  visit(output);
  return places;
}

function assertSteppable({ layer, timed }: Place): void {
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

function valueOf(
  values: ReadonlyMap<number, tf.Tensor>,
  symbol: tf.SymbolicTensor,
  layer: string,
): tf.Tensor {
  const value = values.get(symbol.id);
  if (!value) throw new StepError(layer, 'needs a value that was not computed');
  return value;
}

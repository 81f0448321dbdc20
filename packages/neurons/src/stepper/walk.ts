import type { tf } from '@bidl/engine';
import { StepError } from '../errors.js';
import { Aggregation } from '../layers/aggregation.js';

/** One place in a network's graph: a layer, what goes into it there, and what comes out. */
export interface Place {
  readonly layer: tf.layers.Layer;
  readonly inputs: readonly tf.SymbolicTensor[];
  readonly output: tf.SymbolicTensor;
  /** Its input has a time axis in the sequence form. */
  readonly timed: boolean;
}

/** A network's graph, in an order in which it can be computed. */
export interface Walk {
  readonly input: tf.SymbolicTensor;
  readonly output: tf.SymbolicTensor;
  readonly places: readonly Place[];
}

/**
 * Walks a model's own graph, residual additions included: its places between input and output, each after those it
 * needs. The stepper runs them, the compiler writes them down.
 *
 * @throws StepError for a model with several inputs or outputs, or one that joins a sequence with a single step.
 *
 * @example
 * for (const { layer, timed } of walk(model).places) console.log(layer.name, timed);
 */
export function walk(model: tf.LayersModel): Walk {
  const [input, ...moreInputs] = model.inputs;
  const [output, ...moreOutputs] = model.outputs;
  if (!input || !output || moreInputs.length > 0 || moreOutputs.length > 0) {
    throw new StepError(model.name, 'has several inputs or outputs; one of each can run step by step');
  }
  return { input, output, places: inOrder(input, output) };
}

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

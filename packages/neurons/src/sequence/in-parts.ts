import { tf } from '@bidl/engine';
import { StepError } from '../errors.js';
import { isResumable, isStateful } from '../layers/stateful.js';
import { assertSteppable } from '../stepper/stepper.js';
import { walk, type Place } from '../stepper/walk.js';
import { executor, type PartOptions, type PartRun } from './execute.js';

/** A network over sequences in parts. */
export interface PartRunner {
  /** @param x `[B, T, ...]`, any T; the caller disposes of what it gives */
  run(x: tf.Tensor, options?: PartOptions): PartRun;
}

/**
 * {@link sequence} for a network that can be run in parts, its state given in and handed back: for truncated
 * backpropagation, long recordings, and state that is carried on purpose from one call to the next. After each part
 * `out` is what the network would give if the sequence ended there.
 *
 * @throws StepError naming the layer that mixes time steps, or keeps a state that it can't start from.
 *
 * @example
 * const { run } = inParts(model);
 * const first = run(x.slice([0, 0], [-1, 50]));
 * const second = run(x.slice([0, 50], [-1, 50]), { state: first.state }); // second.out is model.predict(x)
 */
export function inParts(model: tf.LayersModel): PartRunner {
  for (const place of walk(model).places) {
    assertSteppable(place);
    assertResumable(place);
  }
  return { run: executor(model, true) };
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

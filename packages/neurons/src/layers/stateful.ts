import type { tf } from '@bidl/engine';

/** State of one layer by variable name, `[B, ...]` each. */
export type State = Readonly<Record<string, tf.Tensor>>;

/** One time step's output and the state for the next one. */
export interface Stepped {
  readonly out: tf.Tensor;
  readonly state: State;
}

/** A layer that can run one time step at a time, its state given in and handed back. */
export interface Stateful {
  /** State before the first step, for inputs of shape `[B, ...]` (no T). */
  initialState(inputShape: readonly number[]): State;
  /** One step in evaluation mode, `[B, ...] -> [B, ...]`. */
  step(x: tf.Tensor, state: State): Stepped;
}

/** Whether a layer offers {@link Stateful}. */
export function isStateful(layer: object): layer is Stateful {
  return 'initialState' in layer && 'step' in layer;
}

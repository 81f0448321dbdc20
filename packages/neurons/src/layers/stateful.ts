import type { Running, tf } from '@bidl/engine';

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

/** How a layer runs over a part of a sequence. */
export interface PartOptions {
  readonly training?: boolean;
  /** State to start from, {@link Stateful.initialState} when left out. */
  readonly state?: State;
  /** Number of the training iteration: noise is a function of seed, layer and this. Default 0. */
  readonly iteration?: number;
}

/** A layer that can run over a sequence in parts, its state given in and handed back. */
export interface Resumable extends Stateful {
  /** A part of a sequence, `[B, T, ...]`, as a function: it changes nothing in the layer. */
  run(x: tf.Tensor, options?: PartOptions): Stepped & { readonly running?: Running };
  /** Takes running statistics that `run` gave in training for its own. */
  advance?(running: Running | undefined): void;
}

/** Whether a layer offers {@link Resumable}. */
export const isResumable = (layer: object): layer is Resumable => 'run' in layer && isStateful(layer);

/** Whether a layer offers {@link Stateful}. */
export function isStateful(layer: object): layer is Stateful {
  return 'initialState' in layer && 'step' in layer;
}

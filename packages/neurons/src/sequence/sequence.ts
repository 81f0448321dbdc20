import { tf } from '@bidl/engine';
import { executor, type SequenceOptions } from './execute.js';

/** A network over whole sequences. */
export interface Sequence {
  /** @param x `[B, T, ...]` */
  run(x: tf.Tensor, options?: SequenceOptions): tf.Tensor;
}

/**
 * Runs a network over whole sequences: the twin of {@link stepper}, and what `model.apply` computes, with less memory
 * and fewer passes over it.
 *
 * @throws StepError for a model with several inputs or outputs.
 *
 * @example
 * const logits = sequence(model).run(x, { training: true });
 */
export function sequence(model: tf.LayersModel): Sequence {
  const execute = executor(model, false);
  return { run: (x, options) => tf.tidy(() => execute(x, options).out) };
}

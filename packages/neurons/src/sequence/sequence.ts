import { tf } from '@bidl/engine';
import { executor, type PartRun, type SequenceOptions } from './execute.js';

/** A network over whole sequences. */
export interface Sequence {
  /** @param x `[B, T, ...]` */
  run(x: tf.Tensor, options?: SequenceOptions): tf.Tensor;
  /** The same, with what `collect` made of the layers. */
  collect(
    x: tf.Tensor,
    options: SequenceOptions & Required<Pick<SequenceOptions, 'collect'>>,
  ): Pick<PartRun, 'out' | 'collected'>;
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
  return {
    run: (x, options) => tf.tidy(() => execute(x, options).out),
    collect: (x, options) =>
      tf.tidy(() => {
        const { out, collected } = execute(x, options);
        return { out, collected };
      }),
  };
}

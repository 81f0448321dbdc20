import { clipGradNorm, type GradClip } from '../optimizers/clip-grad-norm.js';
import type { Gradients } from '../optimizers/optimizer.js';
import type { Hook } from './hook.js';

/** Clips the gradients when asked, and updates the weights. */
export const optimizerHook = ({
  grad_clip,
}: { readonly grad_clip?: GradClip | null | undefined } = {}): Hook => {
  /** Takes the gradients over. */
  const clipped = (given: Gradients): Gradients => {
    if (!grad_clip) return given;
    const { gradients, norm } = clipGradNorm(given, grad_clip);
    norm.dispose();
    given.forEach((g) => g.dispose());
    return gradients;
  };
  return {
    afterIter(runner) {
      runner.gradients = clipped(runner.gradients);
      const { objective } = runner;
      runner.optimizer.step(
        runner.gradients,
        objective && {
          loss: objective.loss,
          evaluate: () => {
            const { loss, gradients } = objective.evaluate();
            return { loss, gradients: clipped(gradients) };
          },
        },
      );
    },
  };
};

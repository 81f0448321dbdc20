import { clipGradNorm, type GradClip } from '../optimizers/clip-grad-norm.js';
import type { Hook } from './hook.js';

/** Clips the gradients when asked, and updates the weights. */
export const optimizerHook = ({
  grad_clip,
}: { readonly grad_clip?: GradClip | null | undefined } = {}): Hook => ({
  afterIter(runner) {
    if (grad_clip) {
      const { gradients, norm } = clipGradNorm(runner.gradients, grad_clip);
      norm.dispose();
      runner.gradients.forEach((g) => g.dispose());
      runner.gradients = gradients;
    }
    runner.optimizer.step(runner.gradients);
  },
});

import { z } from 'zod';
import { clipGradNorm, type GradClip } from '../optimizers/clip-grad-norm.js';
import { hooks, type Hook } from './hook.js';

const gradClip = z.strictObject({
  max_norm: z.number().positive(),
  norm_type: z.union([z.number().positive(), z.literal('inf')]).default(2),
});

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

hooks.register({
  type: 'OptimizerHook',
  schema: z.strictObject({ grad_clip: gradClip.nullish() }),
  build: optimizerHook,
});

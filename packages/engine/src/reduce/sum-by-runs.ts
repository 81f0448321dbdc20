import * as tf from '@tensorflow/tfjs';
import { replaceKernel } from '../backend/replace-kernel.js';

/**
 * Sums over axes that lie apart go run by run, the last one first: TensorFlow's own turns the whole array round before it
 * adds, which takes fifteen times as long. That is how gradients of what was broadcast over `[B, T, H, W, C]` are summed.
 */
export function sumByRuns(): void {
  replaceKernel('Sum', 'tensorflow', (own) => (args) => {
    const x = args.inputs['x'] as tf.Tensor;
    const runs = runsOf(tf.util.parseAxisParam(args.attrs?.['axis'] as number[], x.shape));
    if (runs.length < 2) return own(args);
    return tf.tidy(() =>
      runs.reduceRight(
        (sum, axis) => own({ ...args, inputs: { x: sum }, attrs: { ...args.attrs, axis } }) as tf.Tensor,
        x,
      ),
    );
  });
}

/** Axes in runs that follow one another. */
function runsOf(axes: readonly number[]): number[][] {
  const runs: number[][] = [];
  for (const axis of [...axes].sort((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last?.at(-1) === axis - 1) last?.push(axis);
    else runs.push([axis]);
  }
  return runs;
}

import { tf } from '@bidl/engine';
import { RLif, type SpikingLayer } from '@bidl/neurons';
import { z } from 'zod';
import { regulariserKeys, regularisers, type Regulariser, type RegulariserRun } from './regulariser.js';

export const membraneBoundsSchema = z
  .strictObject({
    low: z.number().default(-1).describe('membranes below it are pulled up'),
    high: z.number().default(1).describe('membranes above it are pulled down'),
    ...regulariserKeys,
  })
  .refine(({ low, high }) => low <= high, { message: 'low is above high; swap them', path: ['low'] });

export type MembraneBoundsArgs = z.input<typeof membraneBoundsSchema>;

/**
 * Keeps membranes where the surrogate has a gradient, and where few bits hold them:
 *
 *     mean over samples, steps and neurons of relu(v − high)² + relu(low − v)²
 *
 * with v the state variable `v` after each step. The neurons run once more to show it. Bellec et al. 2020, "A solution to
 * the learning dilemma for recurrent networks of spiking neurons", voltage regularisation. It suits layers whose neurons
 * have a state `v`, but not recurrent ones, whose output can't be left out.
 */
export class MembraneBounds implements Regulariser {
  readonly type = 'MembraneBounds';
  readonly weight: number;
  readonly layers?: readonly string[];
  private readonly low: number;
  private readonly high: number;

  constructor(args: MembraneBoundsArgs = {}) {
    const { low, high, weight, layers } = membraneBoundsSchema.parse(args);
    this.low = low;
    this.high = high;
    this.weight = weight;
    if (layers) this.layers = layers;
  }

  suits(layer: SpikingLayer): boolean {
    return 'v' in layer.neuron.state && !(layer instanceof RLif);
  }

  term(layer: SpikingLayer, x: tf.Tensor, _out: tf.Tensor, run: RegulariserRun): tf.Tensor {
    return tf.tidy(() => {
      const { out: v } = layer.run(x, { ...run, show: 'v' });
      const above = v.sub(this.high).relu().square();
      const below = tf.sub(this.low, v).relu().square();
      return above.add(below).mean();
    });
  }
}

regularisers.register({
  type: 'MembraneBounds',
  schema: membraneBoundsSchema,
  build: (args) => new MembraneBounds(args),
});

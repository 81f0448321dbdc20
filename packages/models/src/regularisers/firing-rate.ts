import { tf } from '@bidl/engine';
import type { SpikingLayer } from '@bidl/neurons';
import { z } from 'zod';
import { regulariserKeys, regularisers, type Regulariser } from './regulariser.js';

export const firingRateSchema = z.strictObject({
  target: z.number().min(0).max(1).default(0.1).describe('spikes per time step that a neuron should give'),
  ...regulariserKeys,
});

export type FiringRateArgs = z.input<typeof firingRateSchema>;

/**
 * Pulls every neuron's firing rate to a target, so that none is silent and none fires all the time:
 *
 *     mean over neurons j of (f_j − target)²,   f_j = mean over samples and steps of s_j
 *
 * Bellec et al. 2020, "A solution to the learning dilemma for recurrent networks of spiking neurons" (there
 * half the sum over neurons). It suits layers whose output is spikes.
 */
export class FiringRate implements Regulariser {
  readonly type = 'FiringRate';
  readonly weight: number;
  readonly layers?: readonly string[];
  private readonly target: number;

  constructor(args: FiringRateArgs = {}) {
    const { target, weight, layers } = firingRateSchema.parse(args);
    this.target = target;
    this.weight = weight;
    if (layers) this.layers = layers;
  }

  suits(layer: SpikingLayer): boolean {
    return layer.spikes;
  }

  term(_layer: SpikingLayer, _x: tf.Tensor, out: tf.Tensor): tf.Tensor {
    return tf.tidy(() => out.mean([0, 1]).sub(this.target).square().mean());
  }
}

regularisers.register({
  type: 'FiringRate',
  schema: firingRateSchema,
  build: (args) => new FiringRate(args),
});

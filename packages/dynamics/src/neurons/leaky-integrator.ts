import { defineNeuron } from '../neuron.js';

/**
 * Leaky integrator (LI), which never spikes: a read-out, whose output is its membrane.
 *
 *     v = norm(α·v + x)
 *     out = v
 *
 * The read-out of Bellec et al. 2020, "A solution to the learning dilemma for recurrent networks of spiking neurons".
 */
export function leakyIntegrator() {
  const neuron = defineNeuron({
    name: 'li',
    state: { v: 0 },
    params: { alpha: 0.9 },
    spikes: false,
    step: (o, x, state, p) => {
      const v = o.perturb(o.norm(o.add(o.mul(p.alpha, state.v), x)));
      return { out: v, state: { v } };
    },
  });
  return Object.assign(neuron, { options: {} });
}

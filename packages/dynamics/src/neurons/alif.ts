import { defineNeuron } from '../neuron.js';

/**
 * Adaptive LIF (ALIF): every spike lifts the threshold, which then sinks back; the slow variable a is what makes networks
 * of them remember.
 *
 *     u = norm(v + (1 − α)·x)
 *     A = θ + β·a
 *     s = fire(u − A)
 *     v = α·u − s·A                     what the membrane keeps for the next step
 *     a = ρ·a + (1 − ρ)·s
 *
 * Bellec et al. 2018, "Long short-term memory and learning-to-learn in networks of spiking neurons".
 */
export function alif() {
  const neuron = defineNeuron({
    name: 'alif',
    state: { v: 0, a: 0 },
    params: { alpha: 0.9, rho: 0.98, beta: 1.8, theta: 1 },
    step: (o, x, { v, a }, p) => {
      const one = o.constant(1);
      const u = o.perturb(o.norm(o.add(v, o.mul(o.sub(one, p.alpha), x))));
      const threshold = o.add(p.theta, o.mul(p.beta, a));
      const spike = o.fire(o.sub(u, threshold));
      return {
        out: spike,
        state: {
          v: o.sub(o.mul(p.alpha, u), o.mul(spike, threshold)),
          a: o.add(o.mul(p.rho, a), o.mul(o.sub(one, p.rho), spike)),
        },
      };
    },
  });
  return Object.assign(neuron, { options: {} });
}

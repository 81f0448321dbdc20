import { defineNeuron } from '../neuron.js';
import { resetOf, type ResetOptions } from './reset.js';

/**
 * Parametric LIF (PLIF): the membrane time constant is learned, as 1/τ = σ(w), which keeps it between 0 and 1 whatever w
 * becomes. w = 0 is τ = 2; w = −ln(τ − 1) is τ.
 *
 *     u = norm(v + (x − (v − v₀))·σ(w))
 *     s = fire(u − θ)
 *     v = s·v₀ + (1 − s)·u, or u − s·θ
 *
 * Fang et al. 2021, "Incorporating learnable membrane time constant to enhance learning of spiking neural networks".
 *
 * @throws NeuronDefinitionError for an unknown reset.
 */
export function plif({ reset = 'zero' }: ResetOptions = {}) {
  const after = resetOf('plif', { reset });
  const neuron = defineNeuron({
    name: 'plif',
    state: { v: 0 },
    params: { w: 0, theta: 1, v0: 0 },
    learn: ['w'],
    step: (o, x, { v }, p) => {
      const charge = o.mul(o.sub(x, o.sub(v, p.v0)), o.sigmoid(p.w));
      const u = o.perturb(o.norm(o.add(v, charge)));
      const spike = o.fire(o.sub(u, p.theta));
      return { out: spike, state: { v: after(o, spike, u, p) } };
    },
  });
  return Object.assign(neuron, { options: { reset } });
}

import { defineNeuron } from '../neuron.js';
import { resetOf, type ResetOptions } from './reset.js';

/**
 * Integrate-and-fire neuron (IF), without a leak.
 *
 *     u = norm(v + x)
 *     s = fire(u − θ)
 *     v = s·v₀ + (1 − s)·u, or u − s·θ
 *
 * Lapicque 1907, without the leak; the usual target of ANN-to-SNN conversion with reset `subtract` (Rueckauer et al. 2017,
 * "Conversion of continuous-valued deep networks to efficient event-driven networks for image classification").
 *
 * @throws NeuronDefinitionError for an unknown reset.
 */
export function integrateAndFire({ reset = 'zero' }: ResetOptions = {}) {
  const after = resetOf('if', { reset });
  const neuron = defineNeuron({
    name: 'if',
    state: { v: 0 },
    params: { theta: 1, v0: 0 },
    step: (o, x, { v }, p) => {
      const u = o.perturb(o.norm(o.add(v, x)));
      const spike = o.fire(o.sub(u, p.theta));
      return { out: spike, state: { v: after(o, spike, u, p) } };
    },
  });
  return Object.assign(neuron, { options: { reset } });
}

import { defineNeuron } from '../neuron.js';
import { resetOf, type ResetOptions } from './reset.js';

/**
 * Current-based LIF (CUBA-LIF): the input charges a synaptic current, which decays and charges the membrane.
 *
 *     i = α·i + x
 *     u = norm(v + i)
 *     s = fire(u − θ)
 *     v = β·(s·v₀ + (1 − s)·u), or β·u − s·θ        what the membrane keeps for the next step
 *
 * With reset `zero` it is Loihi's neuron (Davies et al. 2018, "Loihi: a neuromorphic manycore processor with on-chip
 * learning"; there with decays 1 − α and 1 − β), with `subtract` snnTorch's `Synaptic`.
 *
 * @throws NeuronDefinitionError for an unknown reset.
 */
export function cubaLif({ reset = 'zero' }: ResetOptions = {}) {
  const after = resetOf('cuba-lif', { reset });
  const neuron = defineNeuron({
    name: 'cuba-lif',
    state: { i: 0, v: 0 },
    params: { alpha: 0.8, beta: 0.9, theta: 1, v0: 0 },
    step: (o, x, state, p) => {
      const i = o.add(o.mul(p.alpha, state.i), x);
      const u = o.perturb(o.norm(o.add(state.v, i)));
      const spike = o.fire(o.sub(u, p.theta));
      const v =
        reset === 'zero' ? o.mul(p.beta, after(o, spike, u, p)) : after(o, spike, o.mul(p.beta, u), p);
      return { out: spike, state: { i, v } };
    },
  });
  return Object.assign(neuron, { options: { reset } });
}

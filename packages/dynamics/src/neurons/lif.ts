import { defineNeuron, type NeuronDefinition } from '../neuron.js';
import { showMembrane, type Activation, type MembraneTap, type OutputOptions } from './output.js';

export interface LifOptions extends OutputOptions {
  /** `spike` gives the spikes (LIF), `analog` the membrane through an activation (LIAF). Default `spike`. */
  readonly mode?: 'spike' | 'analog';
  /** Which membrane, through which activation, in analog mode. Default `[0, 'relu']`. */
  readonly membMode?: readonly [MembraneTap, Activation];
}

export type LifState = 'v';
export type LifParam = 'alpha' | 'beta' | 'theta' | 'v0';
export type LifNeuron = NeuronDefinition<LifState, LifParam> & { readonly options: Required<LifOptions> };

/**
 * Leaky integrate-and-fire neuron (LIF), and with an analog output LIAF.
 *
 *     u = norm(x + v)            input joins the membrane; norm only where BatchNorm sits in the recurrence
 *     s = fire(u − θ)            strict: a membrane exactly at the threshold stays silent
 *     r = s·v₀ + (1 − s)·u       reset
 *     v = α·r + β                leak, the state of the next step
 *
 * Output: s in `spike` mode, act(u | u − θ | r | v) in `analog` mode. Source: Lynxi BIDL 1.9, `lif.py`.
 *
 * @throws NeuronDefinitionError for an unknown mode, tap or activation.
 */
export function lif({ mode = 'spike', membMode = [0, 'relu'] }: LifOptions = {}): LifNeuron {
  const show = showMembrane('lif', { mode, membMode }, membMode);
  const neuron = defineNeuron({
    name: 'lif',
    state: { v: 0 },
    params: { alpha: 0.3, beta: 0, theta: 0.5, v0: 0 },
    step: (o, x, { v }, p) => {
      const afterInput = o.norm(o.add(x, v));
      const u = o.perturb(afterInput);
      const overThreshold = o.sub(u, p.theta);
      const spike = o.fire(overThreshold);
      const afterReset = o.blend(spike, p.v0, u);
      const afterLeak = o.add(o.mul(p.alpha, afterReset), p.beta);
      return {
        out: show(o, { spike, afterInput, overThreshold, afterReset, afterDecay: afterLeak }),
        state: { v: afterLeak },
      };
    },
  });
  return Object.assign(neuron, { options: { mode, membMode } });
}

import { defineNeuron, NeuronDefinitionError, type NeuronDefinition } from '../neuron.js';
import type { Ops } from '../ops.js';

/** Names of the functions that an analog output can pass through; `null` leaves the membrane as it is. */
export const ACTIVATIONS = ['relu', 'sigmoid', 'tanh'] as const;
export type Activation = (typeof ACTIVATIONS)[number] | null;

/** Which membrane an analog neuron shows: 0 after input, 1 minus threshold, 2 after reset, 3 after leak. */
export type MembraneTap = 0 | 1 | 2 | 3;

export interface LifOptions {
  /** `spike` gives the spikes (LIF), `analog` the membrane through an activation (LIAF). Default `spike`. */
  readonly mode?: 'spike' | 'analog';
  /** Which membrane, through which activation, in analog mode. Default `[0, 'relu']`. */
  readonly membMode?: readonly [MembraneTap, Activation];
}

export type LifState = 'v';
export type LifParam = 'alpha' | 'beta' | 'theta' | 'v0';
export type LifNeuron = NeuronDefinition<LifState, LifParam> & { readonly options: Required<LifOptions> };

export function activate<T>(o: Ops<T>, activation: Activation, x: T): T {
  return activation === null ? x : o[activation](x);
}

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
  const [tap, activation] = membMode;
  if (mode !== 'spike' && mode !== 'analog') {
    throw new NeuronDefinitionError(`lif: mode ${JSON.stringify(mode)} is unknown; use "spike" or "analog"`);
  }
  if (![0, 1, 2, 3].includes(tap)) {
    throw new NeuronDefinitionError(`lif: memb_mode[0] is ${String(tap)}; use 0, 1, 2 or 3`);
  }
  if (activation !== null && !ACTIVATIONS.includes(activation)) {
    throw new NeuronDefinitionError(
      `lif: memb_mode[1] ${JSON.stringify(activation)} is unknown; use ${ACTIVATIONS.join(', ')} or null`,
    );
  }
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
      const shown = [afterInput, overThreshold, afterReset, afterLeak][tap] ?? afterInput;
      return { out: mode === 'spike' ? spike : activate(o, activation, shown), state: { v: afterLeak } };
    },
  });
  return Object.assign(neuron, { options: { mode, membMode } });
}

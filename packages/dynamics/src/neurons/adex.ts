import { defineNeuron } from '../neuron.js';
import { checkTimeStep, type TimeStepOptions } from './izhikevich.js';

/**
 * Adaptive exponential integrate-and-fire neuron (AdEx); v in mV, currents in pA, conductances in nS, capacity in pF, time
 * in ms. Its defaults are the paper's.
 *
 *     C·dv/dt = −g_L·(v − E_L) + g_L·Δ_T·e^((v − V_T)/Δ_T) − w + I
 *     τ_w·dw/dt = a·(v − E_L) − w
 *     where v > v_peak: v ← v_reset, w ← w + b
 *
 * Integrated by explicit Euler. Brette and Gerstner 2005, "Adaptive exponential integrate-and-fire model as an effective
 * description of neuronal activity".
 *
 * @throws NeuronDefinitionError for a dt that isn't above 0.
 */
export function adex({ dt = 0.1 }: TimeStepOptions = {}) {
  checkTimeStep('adex', dt);
  const neuron = defineNeuron({
    name: 'adex',
    state: { v: -70.6, w: 0 },
    params: {
      c: 281,
      g_l: 30,
      e_l: -70.6,
      v_t: -50.4,
      delta_t: 2,
      tau_w: 144,
      a: 4,
      b: 80.5,
      v_reset: -70.6,
      v_peak: 20,
    },
    step: (o, x, state, p) => {
      const step = o.constant(dt);
      const fromRest = o.sub(state.v, p.e_l);
      // The step before a reset may leave v far above any voltage that e^ could take.
      const bounded = o.sub(p.v_peak, o.relu(o.sub(p.v_peak, state.v)));
      const upstroke = o.mul(p.delta_t, o.exp(o.div(o.sub(bounded, p.v_t), p.delta_t)));
      const current = o.sub(o.add(o.mul(p.g_l, o.sub(upstroke, fromRest)), o.norm(x)), state.w);
      const v = o.perturb(o.add(state.v, o.mul(step, o.div(current, p.c))));
      const w = o.add(state.w, o.mul(step, o.div(o.sub(o.mul(p.a, fromRest), state.w), p.tau_w)));
      const spike = o.fire(o.sub(v, p.v_peak));
      return {
        out: spike,
        state: { v: o.blend(spike, p.v_reset, v), w: o.add(w, o.mul(spike, p.b)) },
      };
    },
  });
  return Object.assign(neuron, { options: { dt } });
}

import { defineNeuron } from '../neuron.js';
import type { Ops } from '../ops.js';
import { checkTimeStep, type TimeStepOptions } from './izhikevich.js';

/**
 * Hodgkin and Huxley's model of the squid's giant axon, with the resting potential at −65 mV; currents in µA/cm²,
 * conductances in mS/cm², capacity in µF/cm², time in ms.
 *
 *     C·dv/dt = I − g_Na·m³·h·(v − E_Na) − g_K·n⁴·(v − E_K) − g_L·(v − E_L)
 *     dx/dt = α_x(v)·(1 − x) − β_x(v)·x                                       for x in m, h, n
 *
 * A spike is where v rises above θ; nothing is reset. Integrated by exponential Euler: each equation is linear in its own
 * variable and solved exactly over the step, the other variables held. Hodgkin and Huxley 1952, "A quantitative
 * description of membrane current and its application to conduction and excitation in nerve".
 *
 * @throws NeuronDefinitionError for a dt that isn't above 0.
 */
export function hodgkinHuxley({ dt = 0.02 }: TimeStepOptions = {}) {
  checkTimeStep('hodgkin-huxley', dt);
  const neuron = defineNeuron({
    name: 'hodgkin-huxley',
    state: { v: -65, m: 0.0529325, h: 0.5961207, n: 0.3176769 },
    params: { c: 1, g_na: 120, g_k: 36, g_l: 0.3, e_na: 50, e_k: -77, e_l: -54.387, theta: 0 },
    step: (o, x, state, p) => {
      const gate = <T extends typeof x>(value: T, alpha: typeof x, beta: typeof x) => {
        const rate = o.add(alpha, beta);
        return towards(o, value, o.div(alpha, rate), o.mul(o.constant(dt), rate));
      };
      const { v } = state;
      const m = gate(state.m, linear(o, v, -40, 0.1), exponential(o, v, 4, 18));
      const h = gate(state.h, exponential(o, v, 0.07, 20), logistic(o, v, -35));
      const n = gate(state.n, linear(o, v, -55, 0.01), exponential(o, v, 0.125, 80));
      const n2 = o.mul(n, n);
      const sodium = o.mul(p.g_na, o.mul(o.mul(m, o.mul(m, m)), h));
      const potassium = o.mul(p.g_k, o.mul(n2, n2));
      const conductance = o.add(o.add(sodium, potassium), p.g_l);
      const drive = o.add(o.add(o.mul(sodium, p.e_na), o.mul(potassium, p.e_k)), o.mul(p.g_l, p.e_l));
      const rest = o.div(o.add(drive, o.norm(x)), conductance);
      const next = o.perturb(towards(o, v, rest, o.div(o.mul(o.constant(dt), conductance), p.c)));
      const below = o.sub(o.constant(1), o.gt(v, p.theta));
      const spike = o.mul(below, o.fire(o.sub(next, p.theta)));
      return { out: spike, state: { v: next, m, h, n } };
    },
  });
  return Object.assign(neuron, { options: { dt } });
}

/** What x becomes when it relaxes to `rest` for `time` time constants. */
const towards = <T>(o: Ops<T>, x: T, rest: T, time: T): T =>
  o.add(rest, o.mul(o.sub(x, rest), o.exp(o.neg(time))));

/** scale·e^(−(v + 65)/slope). */
const exponential = <T>(o: Ops<T>, v: T, scale: number, slope: number): T =>
  o.mul(o.constant(scale), o.exp(o.mul(o.constant(-1 / slope), o.add(v, o.constant(65)))));

/** 1/(1 + e^(−(v − half)/10)). */
const logistic = <T>(o: Ops<T>, v: T, half: number): T =>
  o.sigmoid(o.mul(o.constant(0.1), o.sub(v, o.constant(half))));

/**
 * scale·y/(1 − e^(−y/10)) with y = v − half. With t = tanh(y/20) the denominator is 2t/(1 + t), which stays precise near
 * y = 0; at 0 itself, where the value has a limit and the formula has none, y is moved by a millionth.
 */
function linear<T>(o: Ops<T>, v: T, half: number, scale: number): T {
  const tiny = o.constant(1e-6);
  const y = o.sub(v, o.constant(half));
  const apart = o.add(y, o.mul(o.gt(tiny, o.abs(y)), o.constant(2e-6)));
  const t = o.tanh(o.mul(o.constant(1 / 20), apart));
  const one = o.constant(1);
  return o.div(o.mul(o.mul(o.constant(scale / 2), apart), o.add(one, t)), t);
}

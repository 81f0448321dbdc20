import { defineNeuron, NeuronDefinitionError } from '../neuron.js';

export interface TimeStepOptions {
  /** Length of a time step in ms. */
  readonly dt?: number;
}

/** @throws NeuronDefinitionError unless `dt` is a number above 0. */
export function checkTimeStep(neuron: string, dt: number): void {
  if (typeof dt === 'number' && dt > 0 && Number.isFinite(dt)) return;
  throw new NeuronDefinitionError(`${neuron}: dt is ${String(dt)}; give the time step in ms, above 0`);
}

/**
 * Izhikevich's simple model; v in mV, time in ms. Its defaults spike regularly.
 *
 *     dv/dt = 0.04·v² + 5·v + 140 − u + I
 *     du/dt = a·(b·v − u)
 *     where v > θ: v ← c, u ← u + d
 *
 * Integrated as the paper's program does: two half steps of explicit Euler for v, then one step for u. Izhikevich 2003,
 * "Simple model of spiking neurons".
 *
 * @throws NeuronDefinitionError for a dt that isn't above 0.
 */
export function izhikevich({ dt = 1 }: TimeStepOptions = {}) {
  checkTimeStep('izhikevich', dt);
  const neuron = defineNeuron({
    name: 'izhikevich',
    state: { v: -65, u: -13 },
    params: { a: 0.02, b: 0.2, c: -65, d: 8, theta: 30 },
    step: (o, x, state, p) => {
      const { u } = state;
      const current = o.sub(o.add(o.norm(x), o.constant(140)), u);
      const half = <T extends typeof u>(v: T) => {
        const slope = o.add(o.mul(v, o.add(o.mul(o.constant(0.04), v), o.constant(5))), current);
        return o.add(v, o.mul(o.constant(dt / 2), slope));
      };
      const v = o.perturb(half(half(state.v)));
      const recovery = o.add(u, o.mul(o.mul(o.constant(dt), p.a), o.sub(o.mul(p.b, v), u)));
      const spike = o.fire(o.sub(v, p.theta));
      return {
        out: spike,
        state: { v: o.blend(spike, p.c, v), u: o.add(recovery, o.mul(spike, p.d)) },
      };
    },
  });
  return Object.assign(neuron, { options: { dt } });
}

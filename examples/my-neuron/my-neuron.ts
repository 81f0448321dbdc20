import { defineNeuron } from '@bidl/dynamics';

// Adaptive threshold: every spike raises it by `jump`, and what was added decays by `rho` a step.
export const adaptive = defineNeuron({
  name: 'adaptive-threshold',
  state: { v: 0, a: 0 },
  params: { alpha: 0.3, rho: 0.8, theta: 0.5, jump: 0.1 },
  step: (o, x, { v, a }, p) => {
    const u = o.norm(o.add(x, v));
    const spike = o.fire(o.sub(u, o.add(p.theta, a)));
    const reset = o.blend(spike, o.constant(0), u);
    return {
      out: spike,
      state: { v: o.mul(p.alpha, reset), a: o.add(o.mul(p.rho, a), o.mul(p.jump, spike)) },
    };
  },
});

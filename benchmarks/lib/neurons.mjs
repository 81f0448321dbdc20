// The LIF neurons of other frameworks, as each of them runs it, so that it can be compared number by number.
import { defineNeuron, lif } from '@bidl/dynamics';

/** Decay and threshold of them all. */
const ALPHA = 0.9;
const THETA = 1;

/** snnTorch, `Leaky` with reset to zero: the membrane that fired is put to zero before the next step, without a gradient. */
const snntorch = defineNeuron({
  name: 'snntorch_leaky',
  state: { v: 0 },
  params: { alpha: ALPHA, theta: THETA },
  step: (o, x, { v }, p) => {
    const kept = o.blend(o.gt(v, p.theta), o.constant(0), v);
    const u = o.add(o.mul(p.alpha, kept), x);
    return { out: o.fire(o.sub(u, p.theta)), state: { v: u } };
  },
});

/** Norse, `LIFBoxCell`: an Euler step towards the input. */
const norse = defineNeuron({
  name: 'norse_lif_box',
  state: { v: 0 },
  params: { rate: 1 - ALPHA, theta: (1 - ALPHA) * THETA },
  step: (o, x, { v }, p) => {
    const u = o.add(v, o.mul(p.rate, o.sub(x, v)));
    const spike = o.fire(o.sub(u, p.theta));
    return { out: spike, state: { v: o.blend(spike, o.constant(0), u) } };
  },
});

/** Spyx, `LIF`: fires on the membrane of the step before, and takes the threshold off. */
const spyx = defineNeuron({
  name: 'spyx_lif',
  state: { v: 0 },
  params: { alpha: ALPHA, theta: THETA },
  step: (o, x, { v }, p) => {
    const spike = o.fire(o.sub(v, p.theta));
    const u = o.sub(o.add(o.mul(p.alpha, v), x), o.mul(spike, p.theta));
    return { out: spike, state: { v: u } };
  },
});

/** By framework; SpikingJelly's `LIFNode` (input not decayed, hard reset) is our own LIF. */
export const FRAMEWORKS = {
  snntorch: { definition: snntorch, params: snntorch.params },
  norse: { definition: norse, params: norse.params },
  spikingjelly: { definition: lif(), params: { alpha: ALPHA, beta: 0, theta: THETA, v0: 0 } },
  spyx: { definition: spyx, params: spyx.params },
};

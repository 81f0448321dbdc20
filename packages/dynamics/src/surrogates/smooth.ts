import { heaviside, type Surrogate } from './surrogate.js';

/**
 * Derivative of (1/π)·arctan(π/2·α·x) + 1/2: α/2 / (1 + (π/2·α·x)²). Fang et al. 2021, "Incorporating learnable
 * membrane time constant".
 */
export const arctan = ({ alpha = 2 }: { alpha?: number } = {}): Surrogate => ({
  name: 'arctan',
  args: { alpha },
  forward: heaviside(),
  derivative: (o, x) => {
    const z = o.mul(o.constant((Math.PI / 2) * alpha), x);
    return o.div(o.constant(alpha / 2), o.add(o.constant(1), o.mul(z, z)));
  },
  primitive: (o, x) =>
    o.add(
      o.mul(o.constant(1 / Math.PI), o.atan(o.mul(o.constant((Math.PI / 2) * alpha), x))),
      o.constant(0.5),
    ),
});

/** Derivative 1 / (1 + k·|x|)², of x / (1 + k·|x|). Zenke and Ganguli 2018, "SuperSpike". */
export const fastSigmoid = ({ slope = 25 }: { slope?: number } = {}): Surrogate => ({
  name: 'fast_sigmoid',
  args: { slope },
  forward: heaviside(),
  derivative: (o, x) => {
    const d = o.add(o.constant(1), o.mul(o.constant(slope), o.abs(x)));
    return o.div(o.constant(1), o.mul(d, d));
  },
  primitive: (o, x) => o.div(x, o.add(o.constant(1), o.mul(o.constant(slope), o.abs(x)))),
});

/** Derivative k·σ(k·x)·(1 − σ(k·x)), of σ(k·x). */
export const sigmoid = ({ slope = 4 }: { slope?: number } = {}): Surrogate => ({
  name: 'sigmoid',
  args: { slope },
  forward: heaviside(),
  derivative: (o, x) => {
    const s = o.sigmoid(o.mul(o.constant(slope), x));
    return o.mul(o.constant(slope), o.mul(s, o.sub(o.constant(1), s)));
  },
  primitive: (o, x) => o.sigmoid(o.mul(o.constant(slope), x)),
});

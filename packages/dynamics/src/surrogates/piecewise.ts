import { heaviside, type Surrogate } from './surrogate.js';

/**
 * Derivative (1/a)·max(0, 1 − |x|/a), a triangle of area 1. Its primitive is made of two parabolas. Esser et al. 2016,
 * "Convolutional networks for fast, energy-efficient neuromorphic computing"; Bellec et al. 2018.
 */
export const triangle = ({ width = 1 }: { width?: number } = {}): Surrogate => ({
  name: 'triangle',
  args: { width },
  forward: heaviside(),
  derivative: (o, x) =>
    o.mul(o.constant(1 / width), o.relu(o.sub(o.constant(1), o.mul(o.constant(1 / width), o.abs(x))))),
  primitive: (o, x) => {
    const square = (shift: number) => {
      const part = o.relu(o.add(x, o.constant(shift)));
      return o.mul(part, part);
    };
    const bends = o.add(o.sub(square(width), o.mul(o.constant(2), square(0))), square(-width));
    return o.mul(o.constant(1 / (2 * width * width)), bends);
  },
});

/**
 * Derivative (α/2)·e^(−α·|x|), of 1/2 + sign(x)/2·(1 − e^(−α·|x|)). Shrestha and Orchard 2018, "SLAYER".
 */
export const piecewiseExponential = ({ alpha = 2 }: { alpha?: number } = {}): Surrogate => ({
  name: 'piecewise_exponential',
  args: { alpha },
  forward: heaviside(),
  derivative: (o, x) => o.mul(o.constant(alpha / 2), o.exp(o.mul(o.constant(-alpha), o.abs(x)))),
  primitive: (o, x) => {
    const rest = o.sub(o.constant(1), o.exp(o.mul(o.constant(-alpha), o.abs(x))));
    return o.add(o.constant(0.5), o.mul(o.mul(o.constant(0.5), o.sign(x)), rest));
  },
});

/**
 * Derivative e^(−x²/(2σ²)) / (σ·√(2π)), a Gaussian of area 1. Its primitive is the error function, which `Ops` does not
 * have. Yin et al. 2021, "Accurate and efficient time-domain classification with adaptive spiking recurrent networks".
 */
export const gaussian = ({ sigma = 0.4 }: { sigma?: number } = {}): Surrogate => ({
  name: 'gaussian',
  args: { sigma },
  forward: heaviside(),
  derivative: (o, x) =>
    o.mul(
      o.constant(1 / (sigma * Math.sqrt(2 * Math.PI))),
      o.exp(o.mul(o.constant(-1 / (2 * sigma * sigma)), o.mul(x, x))),
    ),
});

import { heaviside, type Surrogate } from './surrogate.js';

/**
 * The default: 1/(2a) where |x − threshold| < a (strict), else 0; so of total width 2a and area 1. Its primitive
 * is the ramp from 0 at threshold − a to 1 at threshold + a. Source: Lynxi BIDL 1.9, `gradient_approx.py`.
 */
export const rectangle = ({
  threshold = 0,
  region = 0.5,
}: { threshold?: number; region?: number } = {}): Surrogate => ({
  name: 'rectangle',
  args: { threshold, region },
  forward: heaviside(threshold),
  derivative: (o, x) =>
    o.mul(o.constant(1 / (2 * region)), o.gt(o.constant(region), o.abs(o.sub(x, o.constant(threshold))))),
  primitive: (o, x) => {
    const above = o.relu(o.add(o.sub(x, o.constant(threshold)), o.constant(region)));
    const beyond = o.relu(o.sub(o.sub(x, o.constant(threshold)), o.constant(region)));
    return o.mul(o.constant(1 / (2 * region)), o.sub(above, beyond));
  },
});

/** Fires like {@link rectangle} and gives no gradient: for inference only. */
export const rectangleInfer = ({ threshold = 0 }: { threshold?: number } = {}): Surrogate => ({
  name: 'rectangle_infer',
  args: { threshold },
  forward: heaviside(threshold),
  derivative: (o) => o.constant(0),
});

/** sign(x) with derivative k·t·(1 − tanh²(t·x)). Qin et al. 2020, "IR-Net". */
export const irnet = ({ k = 1, t = 1 }: { k?: number; t?: number } = {}): Surrogate => ({
  name: 'irnet',
  args: { k, t },
  forward: (o, x) => o.sign(x),
  derivative: (o, x) => {
    const h = o.tanh(o.mul(o.constant(t), x));
    return o.mul(o.constant(k * t), o.sub(o.constant(1), o.mul(h, h)));
  },
});

/** sign(x) with derivative 1 on [−1, 1]. Liu et al. 2020, "ReActNet". */
export const reactnet = (): Surrogate => ({
  name: 'reactnet',
  args: {},
  forward: (o, x) => o.sign(x),
  derivative: (o, x) => o.sub(o.constant(1), o.gt(o.abs(x), o.constant(1))),
});

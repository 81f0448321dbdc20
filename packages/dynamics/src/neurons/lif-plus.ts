import { defineNeuron, NeuronDefinitionError, type NeuronDefinition, type StepResult } from '../neuron.js';
import type { Ops } from '../ops.js';
import { showMembrane, type OutputOptions } from './output.js';
import {
  checkFeatures,
  LIF_PLUS_PARAMS,
  paramsOf,
  statesOf,
  type LifPlusFeatures,
  type LifPlusParam,
  type LifPlusState,
} from './lif-plus-features.js';

/** `faithful`: what upstream's code computes. `documented`: what its manual says. */
export const LIF_PLUS_VARIANTS = ['faithful', 'documented'] as const;
export type LifPlusVariant = (typeof LIF_PLUS_VARIANTS)[number];

export interface LifPlusOptions extends LifPlusFeatures, OutputOptions {
  /** Default `faithful`. */
  readonly variant?: LifPlusVariant;
}

export type LifPlusNeuron = NeuronDefinition<LifPlusState, LifPlusParam>;

/** Steps without input after a spike, with absolute refractoriness. */
const REFRACTORY_STEPS = 10;

type State<T> = Readonly<Record<LifPlusState, T>>;
type Params<T> = Readonly<Record<LifPlusParam, T>>;

/**
 * LIF+, leaky integrate-and-fire with the features of Flexon (Lee et al. 2018).
 *
 *     G = x | g | g           CUB; COBE g ← (1−ε)·g + x; COBA y ← (1−ε)·y + x, g ← (1−ε)·g + e·ε·y
 *     D = G | (v_g − v)·G     the drive; REV. AR: 0 while cnt > 0, which counts down from 10 after a spike
 *     E = 0 | RR + w          RR: r·(v_rr − v) + w·(v_ar − v) with r ← (1−ε_r)·r;
 *                             w ← (1−ε_w)·w (ADT), + τ⁻¹·a·(v − v_w) (SBT)
 *     f = v₀ − v              EXI: + ΔT·exp(…); QDI: (v₀ − v)·(v_c − v)
 *     u = norm(…)             of the two variants, below
 *     s = fire(u − θ)         θ is v_θ with EXI and QDI; at a spike r falls by q_r and w by b
 *     r = s·v₀ + (1 − s)·u
 *
 *                   faithful                          documented
 *     u             x + τ⁻¹·(D + f) + E               v + τ⁻¹·(D + f) + E;  LID: v + D − v_leak + E
 *     EXI           ΔT·exp((v − θ) − ΔT)              ΔT·exp((v − θ)/ΔT)
 *     next v        α·r + β                           α·r + β
 *       EXD         τ⁻¹·(D + f) + E                   r
 *       LID         v + D − v_leak + E                r
 *
 * In the faithful variant the old membrane enters only through f, the input also goes in directly (AR does not stop
 * it), EXD and LID undo the reset, and training noise has no effect but with LID. Source: Lynxi BIDL 1.9, `lifplus.py`
 * and its manual. The manual has no LID; there it is read as Flexon's linear decay.
 *
 * @throws NeuronDefinitionError for an unknown feature, variant, mode or membrane.
 */
export function lifPlus(options: LifPlusOptions = {}): LifPlusNeuron {
  const { variant = 'faithful' } = options;
  const features = checkFeatures(options);
  if (!LIF_PLUS_VARIANTS.includes(variant)) {
    throw new NeuronDefinitionError(
      `lif+: variant ${JSON.stringify(variant)} is unknown; use ${LIF_PLUS_VARIANTS.join(' or ')}`,
    );
  }
  const show = showMembrane('lif+', options, [0, 'tanh']);
  const documented = variant === 'documented';
  const { decay, refractory } = features;

  return defineNeuron({
    name: 'lif+',
    state: statesOf(features) as Record<LifPlusState, number>,
    params: Object.fromEntries(paramsOf(features).map((name) => [name, LIF_PLUS_PARAMS[name]])) as Record<
      LifPlusParam,
      number
    >,
    step: <T>(o: Ops<T>, x: T, before: State<T>, p: Params<T>): StepResult<LifPlusState, T> => {
      const { v } = before;
      const input = accumulate(o, x, before, p, features);
      const { drive, cnt } = drivePart(o, input.G, before, p, features);
      const extra = adaptation(o, before, p, features);
      const plus = (sum: T) => (extra.E === undefined ? sum : o.add(sum, extra.E));
      const pull = initiation(o, v, p, features, documented);
      const change = () => o.mul(p.tau_recip, o.add(drive, pull));
      const linear = (from: T) => plus(o.sub(o.add(from, drive), p.v_leak));

      const raw = documented
        ? decay === 'LID'
          ? linear(v)
          : plus(o.add(v, change()))
        : plus(o.add(x, change()));
      const normed = o.norm(raw);
      const u = documented ? o.perturb(normed) : normed;
      const overThreshold = o.sub(u, features.initiation === 'naive' ? p.theta : p.v_theta);
      const spike = o.fire(overThreshold);
      const afterReset = o.blend(spike, p.v_0, u);

      let kept = afterReset;
      if (decay === 'leak') kept = o.add(o.mul(p.alpha, afterReset), p.beta);
      else if (!documented) kept = decay === 'EXD' ? plus(change()) : linear(o.perturb(v));
      return {
        out: show(o, { spike, afterInput: normed, overThreshold, afterReset, afterDecay: kept }),
        state: {
          ...input.state,
          ...(refractory === 'AR' && { cnt: o.blend(spike, o.constant(REFRACTORY_STEPS), cnt) }),
          ...(extra.r !== undefined && { r: o.blend(spike, o.sub(extra.r, p.q_r), extra.r) }),
          ...(extra.w !== undefined && { w: o.blend(spike, o.sub(extra.w, p.b), extra.w) }),
          v: kept,
        } as Record<LifPlusState, T>,
      };
    },
  });
}

type Features = Required<LifPlusFeatures>;

const decayed = <T>(o: Ops<T>, x: T, rate: T): T => o.mul(o.sub(o.constant(1), rate), x);

/** G, and the conductances behind it. */
function accumulate<T>(
  o: Ops<T>,
  x: T,
  { g, y }: State<T>,
  { epsilon }: Params<T>,
  { accumulation }: Features,
): { readonly G: T; readonly state: Partial<Record<LifPlusState, T>> } {
  if (accumulation === 'CUB') return { G: x, state: {} };
  if (accumulation === 'COBE') {
    const next = o.add(decayed(o, g, epsilon), x);
    return { G: next, state: { g: next } };
  }
  const rise = o.add(decayed(o, y, epsilon), x);
  const next = o.add(decayed(o, g, epsilon), o.mul(o.mul(o.constant(Math.E), epsilon), rise));
  return { G: next, state: { g: next, y: rise } };
}

/** D, and the refractory count. */
function drivePart<T>(
  o: Ops<T>,
  G: T,
  { v, cnt }: State<T>,
  { v_g }: Params<T>,
  { reversal, refractory }: Features,
): { readonly drive: T; readonly cnt: T } {
  const drive = reversal ? o.mul(o.sub(v_g, v), G) : G;
  if (refractory !== 'AR') return { drive, cnt };
  const resting = o.gt(cnt, o.constant(0));
  return { drive: o.blend(resting, o.constant(0), drive), cnt: o.relu(o.sub(cnt, o.constant(1))) };
}

/** E, and the variables behind it, before a spike changes them. */
function adaptation<T>(
  o: Ops<T>,
  before: State<T>,
  p: Params<T>,
  { refractory, trigger }: Features,
): { readonly E?: T; readonly r?: T; readonly w?: T } {
  const { v } = before;
  let { w } = before;
  const relative = refractory === 'RR';
  let E: T | undefined;
  let r: T | undefined;
  if (relative) {
    r = decayed(o, before.r, p.epsilon_r);
    w = decayed(o, w, p.epsilon_w);
    E = o.add(o.mul(r, o.sub(p.v_rr, v)), o.mul(w, o.sub(p.v_ar, v)));
  }
  if (trigger !== 'none') {
    w = decayed(o, w, p.epsilon_w);
    if (trigger === 'SBT') w = o.add(w, o.mul(o.mul(p.tau_recip, p.a), o.sub(v, p.v_w)));
    E = E === undefined ? w : o.add(E, w);
  }
  return { E, r, ...(E !== undefined && { w }) };
}

/** f, what pulls the membrane to rest, and over the threshold with EXI and QDI. */
function initiation<T>(o: Ops<T>, v: T, p: Params<T>, { initiation }: Features, documented: boolean): T {
  const rest = o.sub(p.v_0, v);
  if (initiation === 'QDI') return o.mul(rest, o.sub(p.v_c, v));
  if (initiation === 'naive') return rest;
  const over = o.sub(v, p.theta);
  const exponent = documented ? o.div(over, p.delta_t) : o.sub(over, p.delta_t);
  return o.add(rest, o.mul(p.delta_t, o.exp(exponent)));
}

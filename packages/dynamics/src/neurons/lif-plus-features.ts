import { NeuronDefinitionError } from '../neuron.js';

/** How the input is accumulated: current, exponential conductance, alpha-function conductance. */
export const ACCUMULATIONS = ['CUB', 'COBE', 'COBA'] as const;
/** What follows a spike: nothing, absolute refractoriness, relative refractoriness. */
export const REFRACTORIES = ['none', 'AR', 'RR'] as const;
/** How a spike begins: at the threshold, exponentially, quadratically. */
export const INITIATIONS = ['naive', 'EXI', 'QDI'] as const;
/** Current that a spike triggers: none, adaptation, adaptation coupled to the membrane below threshold. */
export const TRIGGERS = ['none', 'ADT', 'SBT'] as const;
/** How the membrane decays: v = α·v + β, exponentially, linearly. */
export const DECAYS = ['leak', 'EXD', 'LID'] as const;

/** The features of LIF+, by the names of the literature (Lee et al. 2018, "Flexon"). */
export interface LifPlusFeatures {
  /** Default `CUB`. */
  readonly accumulation?: (typeof ACCUMULATIONS)[number];
  /** Reversal voltage: the input drives the membrane towards v_g (REV). Not with CUB. Default false. */
  readonly reversal?: boolean;
  /** Default `none`. */
  readonly refractory?: (typeof REFRACTORIES)[number];
  /** Default `naive`. */
  readonly initiation?: (typeof INITIATIONS)[number];
  /** Default `none`. */
  readonly trigger?: (typeof TRIGGERS)[number];
  /** Default `leak`. */
  readonly decay?: (typeof DECAYS)[number];
}

/** Parameters of LIF+ by upstream's names, with values that give a sensible neuron. */
export const LIF_PLUS_PARAMS = {
  /** Decay of the conductances per step. */
  epsilon: 0.25,
  /** Reversal voltage. */
  v_g: 1,
  /** Δt/τ: time step over membrane time constant. */
  tau_recip: 0.5,
  /** Potential after a spike, and at rest. */
  v_0: 0,
  /** Decay of the relative refractory conductance per step. */
  epsilon_r: 0.25,
  /** Reversal voltage of the relative refractoriness. */
  v_rr: -0.5,
  /** Reversal voltage of the adaptation. */
  v_ar: -0.5,
  /** Jump of the refractory conductance at a spike. */
  q_r: 0.2,
  /** Jump of the adaptation at a spike. */
  b: 0.1,
  /** Decay of the adaptation per step. */
  epsilon_w: 0.25,
  /** Threshold. */
  theta: 0.5,
  /** Threshold of exponential and quadratic initiation. */
  v_theta: 0.8,
  /** Sharpness of exponential initiation. */
  delta_t: 0.2,
  /** Critical voltage of quadratic initiation. */
  v_c: 0.4,
  /** Coupling of the adaptation to the membrane below threshold. */
  a: 0.1,
  /** Where that coupling is zero. */
  v_w: 0.1,
  /** Decay factor of the membrane per step. */
  alpha: 0.3,
  /** Added to the membrane after the decay. */
  beta: 0,
  /** Linear decay per step. */
  v_leak: 0.05,
} as const satisfies Readonly<Record<string, number>>;

export type LifPlusParam = keyof typeof LIF_PLUS_PARAMS;
export type LifPlusState = 'v' | 'g' | 'y' | 'r' | 'w' | 'cnt';

/** @throws NeuronDefinitionError for an unknown feature, or reversal voltage without a conductance. */
export function checkFeatures(features: LifPlusFeatures): Required<LifPlusFeatures> {
  const all: Required<LifPlusFeatures> = {
    accumulation: features.accumulation ?? 'CUB',
    reversal: features.reversal ?? false,
    refractory: features.refractory ?? 'none',
    initiation: features.initiation ?? 'naive',
    trigger: features.trigger ?? 'none',
    decay: features.decay ?? 'leak',
  };
  const lists = {
    accumulation: ACCUMULATIONS,
    refractory: REFRACTORIES,
    initiation: INITIATIONS,
    trigger: TRIGGERS,
    decay: DECAYS,
  } as const;
  for (const [name, known] of Object.entries(lists)) {
    const value = all[name as keyof typeof lists];
    if ((known as readonly string[]).includes(value)) continue;
    throw new NeuronDefinitionError(
      `lif+: ${name} ${JSON.stringify(value)} is unknown; use ${known.join(', ')}`,
    );
  }
  if (all.reversal && all.accumulation === 'CUB') {
    throw new NeuronDefinitionError(
      'lif+: a reversal voltage needs a conductance: use accumulation COBE or COBA with it, not CUB',
    );
  }
  return all;
}

/** The parameters that a choice of features has, in upstream's order. */
export function paramsOf(features: Required<LifPlusFeatures>): readonly LifPlusParam[] {
  const { accumulation, reversal, refractory, initiation, trigger, decay } = features;
  const some = (when: boolean, ...names: LifPlusParam[]) => (when ? names : []);
  return [
    ...some(accumulation !== 'CUB', 'epsilon'),
    ...some(reversal, 'v_g'),
    'tau_recip',
    'v_0',
    ...some(refractory === 'RR', 'epsilon_r', 'v_rr', 'v_ar', 'q_r'),
    ...some(hasAdaptation(features), 'epsilon_w', 'b'),
    ...some(initiation !== 'QDI', 'theta'),
    ...some(initiation !== 'naive', 'v_theta'),
    ...some(initiation === 'EXI', 'delta_t'),
    ...some(initiation === 'QDI', 'v_c'),
    ...some(trigger === 'SBT', 'a', 'v_w'),
    ...some(decay === 'leak', 'alpha', 'beta'),
    ...some(decay === 'LID', 'v_leak'),
  ];
}

/** The state variables of a choice of features with their start: conductances at 1, the rest at 0. */
export function statesOf(
  features: Required<LifPlusFeatures>,
): Readonly<Partial<Record<LifPlusState, number>>> {
  const { accumulation, refractory } = features;
  return {
    v: 0,
    ...(accumulation !== 'CUB' && { g: 1 }),
    ...(accumulation === 'COBA' && { y: 1 }),
    ...(refractory === 'RR' && { r: 1 }),
    ...(hasAdaptation(features) && { w: 0 }),
    ...(refractory === 'AR' && { cnt: 0 }),
  };
}

export const hasAdaptation = ({ refractory, trigger }: Required<LifPlusFeatures>): boolean =>
  refractory === 'RR' || trigger !== 'none';

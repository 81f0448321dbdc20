import {
  ACCUMULATIONS,
  DECAYS,
  INITIATIONS,
  LIF_PLUS_PARAMS,
  lifPlus,
  REFRACTORIES,
  TRIGGERS,
  type LifPlusVariant,
} from '@bidl/dynamics';
import { LayerError } from '../errors.js';
import { outputOptions, type Membrane, type OutputArgs } from './membrane.js';

/** Upstream's `neuron_config`: input_accum, rev_volt, fire_refrac, spike_init, trig_current, memb_decay. */
export type NeuronConfig = readonly [number, boolean, number, number, number, number];

/** The features of LIF+ by upstream's names and numbers. */
export interface LifPlusFeatureArgs {
  /** 0 CUB (current), 1 COBE (exponential conductance), 2 COBA (alpha-function conductance). Default 0. */
  input_accum?: number;
  /** Reversal voltage; needs COBE or COBA. Default false. */
  rev_volt?: boolean;
  /** 0 none, 1 AR (absolute refractoriness), 2 RR (relative). Default 0. */
  fire_refrac?: number;
  /** 0 threshold, 1 EXI (exponential initiation), 2 QDI (quadratic). Default 0. */
  spike_init?: number;
  /** 0 none, 1 ADT (adaptation), 2 SBT (with coupling below threshold). Default 0. */
  trig_current?: number;
  /** 0 leak, 1 EXD (exponential decay), 2 LID (linear decay). Default 0. */
  memb_decay?: number;
}

export interface LifPlusArgs extends LifPlusFeatureArgs {
  /** `faithful`: as upstream's code computes; `documented`: as its manual says. Default `faithful`. */
  variant?: LifPlusVariant;
}

const FEATURES = [
  'input_accum',
  'rev_volt',
  'fire_refrac',
  'spike_init',
  'trig_current',
  'memb_decay',
] as const;

/** `neuron_config` as arguments of a layer. @throws LayerError unless it has six values. */
export function featuresOf(config: readonly (number | boolean)[], layer: string): LifPlusFeatureArgs {
  if (config.length !== FEATURES.length) {
    throw new LayerError(layer, `neuron_config has ${config.length} values; give ${FEATURES.join(', ')}`);
  }
  return Object.fromEntries(FEATURES.map((name, i) => [name, config[i]]));
}

/**
 * LIF+ as a layer holds it. Parameters that `soma_params` leaves out are drawn from U(0, 1) and fixed, as upstream
 * does, but for v_0, theta, alpha and beta.
 */
export function lifPlusMembrane(args: LifPlusArgs & OutputArgs, layer: string): Membrane {
  const code = <T>(names: readonly T[], key: (typeof FEATURES)[number]): T => {
    const value = args[key] ?? 0;
    const name = typeof value === 'number' ? names[value] : undefined;
    if (name !== undefined) return name;
    throw new LayerError(
      layer,
      `${key} is ${String(value)}; use ${names.map((n, i) => `${i} (${String(n)})`).join(', ')}`,
    );
  };
  const variant = args.variant ?? 'faithful';
  const decay = code(DECAYS, 'memb_decay');
  const neuron = lifPlus({
    variant,
    accumulation: code(ACCUMULATIONS, 'input_accum'),
    reversal: args.rev_volt ?? false,
    refractory: code(REFRACTORIES, 'fire_refrac'),
    initiation: code(INITIATIONS, 'spike_init'),
    trigger: code(TRIGGERS, 'trig_current'),
    decay,
    ...outputOptions(args),
  });
  const random = Object.fromEntries(Object.keys(LIF_PLUS_PARAMS).map((name) => [name, null]));
  return {
    neuron,
    soma: {
      defaults: { ...random, v_0: 0, theta: 0.5, alpha: 0.3, beta: 0 },
      held: Object.keys(neuron.params),
      random: 'uniform',
    },
    noisy: variant === 'documented' || decay === 'LID',
  };
}

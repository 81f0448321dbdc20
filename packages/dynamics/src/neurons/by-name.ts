import type { NeuronDefinition } from '../neuron.js';
import { adex } from './adex.js';
import { alif } from './alif.js';
import { cubaLif } from './cuba-lif.js';
import { hodgkinHuxley } from './hodgkin-huxley.js';
import { integrateAndFire } from './integrate-and-fire.js';
import { izhikevich } from './izhikevich.js';
import { leakyIntegrator } from './leaky-integrator.js';
import { plif } from './plif.js';

/** Options of a named neuron, as a config gives them. */
export type NeuronOptions = Readonly<Record<string, number | string>>;

/** A definition that remembers its options. */
export type NamedNeuron = NeuronDefinition & { readonly options: NeuronOptions };

/** Neurons besides LIF and LIF+ by the names that layers take. */
export const NEURONS = {
  IF: integrateAndFire,
  PLIF: plif,
  CubaLIF: cubaLif,
  ALIF: alif,
  LI: leakyIntegrator,
  Izhikevich: izhikevich,
  AdEx: adex,
  HodgkinHuxley: hodgkinHuxley,
} as const satisfies Readonly<Record<string, (options?: never) => NamedNeuron>>;

export type NeuronName = keyof typeof NEURONS;

/** True for a name in {@link NEURONS}. */
export const isNeuronName = (name: string): name is NeuronName => Object.hasOwn(NEURONS, name);

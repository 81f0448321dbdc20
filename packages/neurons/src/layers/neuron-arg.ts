import {
  isNeuronName,
  NEURONS,
  NeuronDefinitionError,
  type NamedNeuron,
  type NeuronDefinition,
  type NeuronOptions,
} from '@bidl/dynamics';
import { remedyFor } from '@bidl/registry';
import { LayerError } from '../errors.js';

/** A neuron by name, by name with its options, or a definition (`defineNeuron`). */
export type NeuronArg =
  string | { readonly type: string; readonly [option: string]: string | number } | NeuronDefinition;

/** The neurons that have names, besides LIF and LIF+. */
export const NEURON_NAMES: readonly string[] = Object.keys(NEURONS);

/** Whether the argument is a definition itself, rather than the name of one. */
export const isDefinition = (arg: NeuronArg): arg is NeuronDefinition =>
  typeof arg === 'object' && 'step' in arg;

/**
 * The neuron that the argument `neuron` asks for.
 *
 * @throws LayerError for an unknown name (with the nearest one), or options that the neuron doesn't have.
 */
export function resolveNeuron(arg: NeuronArg, layer: string): NeuronDefinition {
  if (isDefinition(arg)) return arg;
  const { type, ...options } = typeof arg === 'string' ? { type: arg } : arg;
  if (!isNeuronName(type)) {
    const remedy = remedyFor(type, NEURON_NAMES);
    throw new LayerError(layer, `neuron ${JSON.stringify(type)} is unknown. ${remedy}`);
  }
  const make = NEURONS[type] as (options?: NeuronOptions) => NamedNeuron;
  const known = Object.keys(make().options);
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    throw new LayerError(
      layer,
      `neuron.${key} is unknown; ${type} has ${known.join(', ') || 'no options'}; parameters go into soma_params`,
    );
  }
  try {
    return make(options as NeuronOptions);
  } catch (error) {
    if (!(error instanceof NeuronDefinitionError)) throw error;
    throw new LayerError(layer, `neuron: ${error.message}`);
  }
}

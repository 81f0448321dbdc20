import {
  ACTIVATIONS,
  emitKernel,
  lif,
  rectangle,
  SURROGATES,
  type MembraneTap,
  type NeuronDefinition,
  type NeuronKernel,
  type Surrogate,
} from '@bidl/dynamics';

const TAPS: readonly MembraneTap[] = [0, 1, 2, 3];

/** The neurons that are built with the op library, each with its surrogate. Others are compiled on first use. */
const NEURONS: readonly (readonly [NeuronDefinition, Surrogate])[] = [
  ...Object.values(SURROGATES).map((surrogate) => [lif(), surrogate()] as const),
  ...TAPS.flatMap((tap) =>
    [...ACTIVATIONS, null].map(
      (activation) => [lif({ mode: 'analog', membMode: [tap, activation] }), rectangle()] as const,
    ),
  ),
];

/** The built-in neurons' kernels. */
export const BUILT_IN = (): readonly NeuronKernel[] =>
  NEURONS.map(([neuron, surrogate]) => emitKernel(neuron, surrogate));

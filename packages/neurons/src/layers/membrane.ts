import { lif, type Activation, type MembraneTap, type NeuronDefinition } from '@bidl/dynamics';
import { LayerError } from '../errors.js';
import type { SomaSpec } from './soma.js';

/** The neurons of a layer: their equations, and the weights that hold their parameters. */
export interface Membrane {
  readonly neuron: NeuronDefinition;
  readonly soma: SomaSpec;
  /** The weight that holds a parameter of the neuron, where it has another name. */
  readonly weightNames?: Readonly<Record<string, string>>;
  /** Whether training noise has any effect on these equations. */
  readonly noisy: boolean;
}

/** Arguments that say what the neurons of a layer show. */
export interface OutputArgs {
  /** `spike`, or `analog`: the membrane through an activation. Default `spike`. */
  mode?: 'spike' | 'analog';
  /** In analog mode: which membrane (0 input, 1 minus threshold, 2 reset, 3 leak) and activation. */
  memb_mode?: readonly [number, Activation | 'none'];
}

/** The same as options of a definition. */
export function outputOptions({ mode, memb_mode }: OutputArgs) {
  return {
    ...(mode !== undefined && { mode }),
    ...(memb_mode !== undefined && {
      membMode: [memb_mode[0] as MembraneTap, memb_mode[1] === 'none' ? null : memb_mode[1]] as const,
    }),
  };
}

/** LIF with upstream's names of its parameters; `null` draws from a standard normal, as upstream does. */
export const lifMembrane = (args: OutputArgs): Membrane => ({
  neuron: lif(outputOptions(args)),
  soma: {
    defaults: { alpha: 0.3, beta: 0, theta: 0.5, v_0: 0 },
    held: ['alpha', 'beta', 'theta', 'v_0'],
    random: 'normal',
  },
  weightNames: { v0: 'v_0' },
  noisy: true,
});

/**
 * A neuron that isn't LIF: its parameters start at the definition's values, and those it names are trained.
 *
 * @throws LayerError when the layer also says what LIF should show.
 */
export function ownMembrane(neuron: NeuronDefinition, args: OutputArgs, layer: string): Membrane {
  for (const key of ['mode', 'memb_mode'] as const) {
    if (args[key] === undefined) continue;
    throw new LayerError(
      layer,
      `${key} belongs to LIF, but the layer has the neuron "${neuron.name}"; leave ${key} out`,
    );
  }
  return {
    neuron,
    soma: {
      defaults: neuron.params,
      held: Object.keys(neuron.params),
      random: 'normal',
      ...(neuron.learn && { learn: neuron.learn }),
    },
    noisy: true,
  };
}

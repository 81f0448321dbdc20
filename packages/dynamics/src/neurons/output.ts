import { NeuronDefinitionError } from '../neuron.js';
import type { Ops } from '../ops.js';

/** Names of the functions that an analog output can pass through; `null` leaves the membrane as it is. */
export const ACTIVATIONS = ['relu', 'sigmoid', 'tanh'] as const;
export type Activation = (typeof ACTIVATIONS)[number] | null;

/** Which membrane an analog neuron shows: 0 after input, 1 minus threshold, 2 after reset, 3 after leak. */
export type MembraneTap = 0 | 1 | 2 | 3;

export interface OutputOptions {
  /** `spike` gives the spikes, `analog` the membrane through an activation. Default `spike`. */
  readonly mode?: 'spike' | 'analog';
  /** Which membrane, through which activation, in analog mode. */
  readonly membMode?: readonly [MembraneTap, Activation];
}

/** What a neuron has in one step that could be its output. */
export interface Membranes<T> {
  readonly spike: T;
  readonly afterInput: T;
  readonly overThreshold: T;
  readonly afterReset: T;
  readonly afterDecay: T;
}

export function activate<T>(o: Ops<T>, activation: Activation, x: T): T {
  return activation === null ? x : o[activation](x);
}

/**
 * The function that picks a neuron's output.
 *
 * @throws NeuronDefinitionError for an unknown mode, tap or activation.
 */
export function showMembrane(
  neuron: string,
  { mode = 'spike', membMode }: OutputOptions,
  fallback: readonly [MembraneTap, Activation],
): <T>(o: Ops<T>, membranes: Membranes<T>) => T {
  const [tap, activation] = membMode ?? fallback;
  if (mode !== 'spike' && mode !== 'analog') {
    throw new NeuronDefinitionError(
      `${neuron}: mode ${JSON.stringify(mode)} is unknown; use "spike" or "analog"`,
    );
  }
  if (![0, 1, 2, 3].includes(tap)) {
    throw new NeuronDefinitionError(`${neuron}: memb_mode[0] is ${String(tap)}; use 0, 1, 2 or 3`);
  }
  if (activation !== null && !ACTIVATIONS.includes(activation)) {
    throw new NeuronDefinitionError(
      `${neuron}: memb_mode[1] ${JSON.stringify(activation)} is unknown; use ${ACTIVATIONS.join(', ')} or null`,
    );
  }
  return (o, { spike, afterInput, overThreshold, afterReset, afterDecay }) =>
    mode === 'spike'
      ? spike
      : activate(o, activation, [afterInput, overThreshold, afterReset, afterDecay][tap] ?? afterInput);
}

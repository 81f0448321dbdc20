import { NeuronDefinitionError } from '../neuron.js';
import type { Ops } from '../ops.js';

/** What a spike does to the membrane: set it to v₀ (hard), or take the threshold off it (soft). */
export const RESETS = ['zero', 'subtract'] as const;
export type Reset = (typeof RESETS)[number];

export interface ResetOptions {
  /** Default `zero`. */
  readonly reset?: Reset;
}

/** The membrane after a spike. @throws NeuronDefinitionError for an unknown reset. */
export function resetOf(
  neuron: string,
  { reset = 'zero' }: ResetOptions,
): <T>(o: Ops<T>, spike: T, u: T, p: { readonly theta: T; readonly v0: T }) => T {
  if (!RESETS.includes(reset)) {
    throw new NeuronDefinitionError(
      `${neuron}: reset ${JSON.stringify(reset)} is unknown; use ${RESETS.join(', ')}`,
    );
  }
  return reset === 'zero'
    ? (o, spike, u, p) => o.blend(spike, p.v0, u)
    : (o, spike, u, p) => o.sub(u, o.mul(spike, p.theta));
}

import { isSurrogateName, SURROGATES, type Surrogate } from '@bidl/dynamics';
import { remedyFor } from '@bidl/registry';
import { LayerError } from '../errors.js';

/** A surrogate by name, by name with its arguments, or the surrogate itself; nothing means Rectangle. */
export type SpikeFunc =
  string | { readonly type: string; readonly [argument: string]: string | number } | Surrogate | null;

/**
 * The surrogate that the argument `spike_func` asks for.
 *
 * @throws LayerError for an unknown name (with the nearest one) or an argument that is no number.
 */
export function resolveSurrogate(arg: SpikeFunc | undefined, layer: string): Surrogate {
  if (arg === null || arg === undefined) return SURROGATES.Rectangle();
  if (typeof arg === 'object' && 'forward' in arg) return arg as Surrogate;
  const { type, ...rest } = typeof arg === 'string' ? { type: arg } : (arg as { type: string });
  if (!isSurrogateName(type)) {
    const remedy = remedyFor(type, Object.keys(SURROGATES));
    throw new LayerError(layer, `spike_func ${JSON.stringify(type)} is unknown. ${remedy}`);
  }
  const build = SURROGATES[type] as (args?: Record<string, number>) => Surrogate;
  const known = Object.keys(build().args);
  for (const [key, value] of Object.entries(rest as Record<string, unknown>)) {
    if (!known.includes(key)) {
      throw new LayerError(
        layer,
        `spike_func.${key} is unknown; ${type} has ${known.join(', ') || 'no arguments'}`,
      );
    }
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      throw new LayerError(layer, `spike_func.${key} is ${JSON.stringify(value)}; give a finite number`);
    }
  }
  return build(rest as Record<string, number>);
}

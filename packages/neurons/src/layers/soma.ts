import { tf } from '@bidl/engine';
import { LayerError } from '../errors.js';
import { seedFor } from '../init/seed.js';

/** Numbers of a membrane parameter: one, one for each channel (nested as upstream's shapes nest), or random. */
export type SomaValue = number | null | readonly SomaValue[];

/** Parameters of the membrane, by upstream's names. */
export interface SomaParams {
  /** Decay factor of the membrane per step. Default 0.3. */
  readonly alpha?: SomaValue;
  /** Added to the membrane after the decay. Default 0. */
  readonly beta?: SomaValue;
  /** Firing threshold. Default 0.5. */
  readonly theta?: SomaValue;
  /** Potential after a spike. Default 0. */
  readonly v_0?: SomaValue;
  /** `[]`: one value for the layer; `[1, C]`, `[1, C, 1, 1]` or `[C]`: one for each channel. Default `[]`. */
  readonly shape?: readonly number[];
  /** Train the four of them. Default false. */
  readonly learn?: boolean;
}

/** `all_share`: one set for the layer; `channel_share`: one for each channel; or the parameters themselves. */
export type SomaArg = 'all_share' | 'channel_share' | SomaParams;

export const SOMA_NAMES = ['alpha', 'beta', 'theta', 'v_0'] as const;
export type SomaName = (typeof SOMA_NAMES)[number];

const DEFAULTS: Readonly<Record<SomaName, number>> = { alpha: 0.3, beta: 0, theta: 0.5, v_0: 0 };

/** What a layer builds its membrane parameters from. */
export interface ResolvedSoma {
  /** `[]` or `[C]`. */
  readonly shape: number[];
  readonly values: Readonly<Record<SomaName, readonly number[]>>;
  readonly learn: boolean;
}

/**
 * Turns the argument `soma_params` into numbers. As upstream, `null` draws from a standard normal; here from a
 * generator seeded by the run's seed and the layer's name.
 *
 * @throws LayerError for an unknown name, a wrong number of values, or a value that isn't finite.
 */
export function resolveSoma(arg: SomaArg, channels: number, layer: string, seed: number): ResolvedSoma {
  const params: SomaParams = typeof arg === 'string' ? shared(arg, channels, layer) : arg;
  for (const key of Object.keys(params)) {
    if (![...SOMA_NAMES, 'shape', 'learn'].includes(key)) {
      throw new LayerError(
        layer,
        `soma_params.${key} is unknown; it has ${SOMA_NAMES.join(', ')}, shape and learn`,
      );
    }
  }
  const given = SOMA_NAMES.map((name) => {
    const value = params[name];
    return flat(value === undefined ? DEFAULTS[name] : value);
  });
  const asked = (params.shape ?? []).reduce((n, size) => n * size, 1);
  const count = Math.max(asked, ...given.map((v) => v.length));
  if (count !== 1 && count !== channels) {
    throw new LayerError(
      layer,
      `soma_params has ${count} values where the layer has ${channels} channels; give one value or ${channels}`,
    );
  }
  const numbers = SOMA_NAMES.map((name, i) => [
    name,
    spread(given[i] ?? [], count, name, layer, seedFor(seed, `${layer}/${name}`)),
  ]);
  return {
    shape: count === 1 && asked === 1 && (params.shape ?? []).length === 0 ? [] : [count],
    values: Object.fromEntries(numbers) as Record<SomaName, number[]>,
    learn: params.learn ?? false,
  };
}

function shared(arg: string, channels: number, layer: string): SomaParams {
  if (arg === 'all_share') return {};
  if (arg === 'channel_share') return { shape: [channels] };
  throw new LayerError(
    layer,
    `soma_params ${JSON.stringify(arg)} is unknown; use "all_share", "channel_share" or { alpha, beta, theta, v_0, shape, learn }`,
  );
}

const flat = (value: SomaValue): (number | null)[] =>
  Array.isArray(value) ? (value as readonly SomaValue[]).flatMap(flat) : [value as number | null];

function spread(
  given: readonly (number | null)[],
  count: number,
  name: string,
  layer: string,
  seed: number,
): number[] {
  if (given.length !== 1 && given.length !== count) {
    throw new LayerError(layer, `soma_params.${name} has ${given.length} values; give one or ${count}`);
  }
  const random = given.includes(null) ? normal(count, seed) : [];
  return Array.from({ length: count }, (_, i) => {
    const value = (given.length === 1 ? given[0] : given[i]) ?? random[i] ?? NaN;
    if (!Number.isFinite(value)) {
      throw new LayerError(layer, `soma_params.${name} is ${value}; give finite numbers or null (random)`);
    }
    return value;
  });
}

function normal(count: number, seed: number): number[] {
  const drawn = tf.randomNormal([count], 0, 1, 'float32', seed);
  const numbers = Array.from(drawn.dataSync());
  drawn.dispose();
  return numbers;
}

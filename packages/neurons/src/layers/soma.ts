import { tf } from '@bidl/engine';
import { LayerError } from '../errors.js';
import { seedFor } from '../init/seed.js';

/** Numbers of a membrane parameter: one, one for each channel (nested as upstream's shapes nest), or random. */
export type SomaValue = number | null | readonly SomaValue[];

/** Parameters of a neuron by name, and how they are held. */
export interface SomaParams {
  readonly [name: string]: SomaValue | boolean | readonly string[] | undefined;
  /** `[]`: one value for the layer; `[1, C]`, `[1, C, 1, 1]` or `[C]`: one for each channel. Default `[]`. */
  readonly shape?: readonly number[];
  /** Train all of them, none, or those named. Default: what the neuron's definition says, which is none for LIF. */
  readonly learn?: boolean | readonly string[];
}

/** `all_share`: one set for the layer; `channel_share`: one for each channel; or the parameters themselves. */
export type SomaArg = 'all_share' | 'channel_share' | SomaParams;

/** The parameters that a kind of neuron has. */
export interface SomaSpec {
  /** Names that `soma_params` may have, with what they start from; null draws from `random`. */
  readonly defaults: Readonly<Record<string, number | null>>;
  /** Those of them that the layer holds, in this order. */
  readonly held: readonly string[];
  /** Where `null` draws from: N(0, 1) or U(0, 1). */
  readonly random: 'normal' | 'uniform';
  /** Those that are trained unless told otherwise. Default: none. */
  readonly learn?: readonly string[];
}

/** One parameter of a neuron as a layer holds it. */
export interface SomaWeight {
  readonly name: string;
  /** `[]` or `[C]`. */
  readonly shape: number[];
  readonly values: readonly number[];
  readonly learn: boolean;
}

/**
 * Turns the argument `soma_params` into numbers. `null` draws them from a generator seeded by the run's seed and the
 * layer's name.
 *
 * @throws LayerError for an unknown name, a wrong number of values, or a value that isn't finite.
 */
export function resolveSoma(
  spec: SomaSpec,
  arg: SomaArg,
  channels: number,
  layer: string,
  seed: number,
): SomaWeight[] {
  const {
    shape = [],
    learn = spec.learn ?? false,
    ...params
  } = typeof arg === 'string' ? shared(arg, spec, channels, layer) : arg;
  const known = Object.keys(spec.defaults);
  for (const key of Object.keys(params)) {
    if (known.includes(key)) continue;
    throw new LayerError(
      layer,
      `soma_params.${key} is unknown; it has ${[...known, 'shape', 'learn'].join(', ')}`,
    );
  }
  for (const name of typeof learn === 'boolean' ? [] : learn) {
    if (spec.held.includes(name)) continue;
    throw new LayerError(layer, `soma_params.learn names ${name}; the neuron has ${spec.held.join(', ')}`);
  }
  const given = spec.held.map((name) => {
    const value = params[name] as SomaValue | undefined;
    return flat(value === undefined ? (spec.defaults[name] ?? null) : value);
  });
  const asked = shape.reduce((n, size) => n * size, 1);
  const count = Math.max(asked, ...given.map((v) => v.length));
  if (count !== 1 && count !== channels) {
    throw new LayerError(
      layer,
      `soma_params has ${count} values where the layer has ${channels} channels; give one value or ${channels}`,
    );
  }
  const scalar = count === 1 && shape.length === 0;
  return spec.held.map((name, i) => ({
    name,
    shape: scalar ? [] : [count],
    values: spread(given[i], count, {
      name,
      layer,
      random: spec.random,
      seed: seedFor(seed, `${layer}/${name}`),
    }),
    learn: typeof learn === 'boolean' ? learn : learn.includes(name),
  }));
}

function shared(arg: string, spec: SomaSpec, channels: number, layer: string): SomaParams {
  if (arg === 'all_share') return {};
  if (arg === 'channel_share') return { shape: [channels] };
  throw new LayerError(
    layer,
    `soma_params ${JSON.stringify(arg)} is unknown; use "all_share", "channel_share" or ` +
      `{ ${[...spec.held, 'shape', 'learn'].join(', ')} }`,
  );
}

const flat = (value: SomaValue): (number | null)[] =>
  Array.isArray(value) ? (value as readonly SomaValue[]).flatMap(flat) : [value as number | null];

interface Draw {
  readonly name: string;
  readonly layer: string;
  readonly random: SomaSpec['random'];
  readonly seed: number;
}

function spread(
  given: readonly (number | null)[],
  count: number,
  { name, layer, random, seed }: Draw,
): number[] {
  if (given.length !== 1 && given.length !== count) {
    throw new LayerError(layer, `soma_params.${name} has ${given.length} values; give one or ${count}`);
  }
  const drawn = given.includes(null) ? draw(count, random, seed) : [];
  return Array.from({ length: count }, (_, i) => {
    const value = (given.length === 1 ? given[0] : given[i]) ?? drawn[i] ?? NaN;
    if (!Number.isFinite(value)) {
      throw new LayerError(layer, `soma_params.${name} is ${value}; give finite numbers or null (random)`);
    }
    return value;
  });
}

function draw(count: number, random: SomaSpec['random'], seed: number): number[] {
  const drawn =
    random === 'normal'
      ? tf.randomNormal([count], 0, 1, 'float32', seed)
      : tf.randomUniform([count], 0, 1, 'float32', seed);
  const numbers = Array.from(drawn.dataSync());
  drawn.dispose();
  return numbers;
}

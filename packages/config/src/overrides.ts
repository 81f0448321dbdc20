import { ConfigError, didYouMean, isConfigError, join, suggest, type ConfigIssue } from '@bidl/registry';

import { isRaw, merge, type RawConfig } from './merge.js';

/** One `--cfg-options` argument, taken apart. */
interface Override {
  readonly keys: readonly string[];
  readonly value: unknown;
}

/** The outcome of {@link applyOverrides}: the new config, the places that were set, what could not be set. */
export interface Overridden {
  readonly config: RawConfig;
  readonly places: readonly string[];
  readonly issues: readonly ConfigIssue[];
}

/**
 * Applies `a.b.0.c=value` arguments. A value is JSON when it reads as JSON (`8`, `true`, `[1, 2]`, `{"a": 1}`),
 * `None`, `True`, `False` as Python writes them, else a string. Objects are merged as in `_base_`.
 * Keys that are new to the config are set: whether they are valid is for the check of the whole config to say.
 */
export function applyOverrides(config: RawConfig, options: readonly string[]): Overridden {
  const issues: ConfigIssue[] = [];
  const places: string[] = [];
  let result: unknown = config;
  for (const option of options) {
    try {
      const { keys, value } = parseOverride(option);
      result = set(result, keys, value, '');
      places.push(join('', ...keys.map((key) => (isIndex(key) ? Number(key) : key))));
    } catch (error) {
      if (!isConfigError(error)) throw error;
      issues.push({ place: '--cfg-options', message: `--cfg-options ${option}: ${error.message}` });
    }
  }
  return { config: result as RawConfig, places, issues };
}

const isIndex = (key: string): boolean => /^\d+$/.test(key);

function parseOverride(option: string): Override {
  const at = option.indexOf('=');
  if (at <= 0) throw new ConfigError('write it as key=value, for example data.samples_per_gpu=8');
  const keys = option
    .slice(0, at)
    .trim()
    .replace(/\[(\d+)\]/g, '.$1')
    .split('.');
  if (keys.some((key) => key === '' || key === '__proto__')) {
    throw new ConfigError('the key is not a path like data.train.pipeline.0.size');
  }
  return { keys, value: parseValue(option.slice(at + 1)) };
}

const PYTHON: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['None', null],
  ['True', true],
  ['False', false],
]);

function parseValue(text: string): unknown {
  if (PYTHON.has(text)) return PYTHON.get(text);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** A copy of `target` with the value set. @throws ConfigError when the path leads nowhere */
function set(target: unknown, keys: readonly string[], value: unknown, place: string): unknown {
  const [key, ...rest] = keys;
  if (key === undefined) return isRaw(value) && isRaw(target) ? merge(target, value) : value;
  if (Array.isArray(target)) {
    if (!isIndex(key) || Number(key) >= target.length) {
      throw new ConfigError(
        `${place} is a list of ${target.length}, ${JSON.stringify(key)} is no index of it`,
      );
    }
    return target.map((old: unknown, i) =>
      i === Number(key) ? set(old, rest, value, `${place}[${i}]`) : old,
    );
  }
  if (target !== undefined && target !== null && !isRaw(target)) {
    throw new ConfigError(`${place} is ${JSON.stringify(target)}, which has no keys`);
  }
  const object = target ?? {};
  const here = join(place, key);
  const near = rest.length > 0 && !(key in object) ? suggest(key, Object.keys(object)) : undefined;
  if (near !== undefined) throw new ConfigError(`${here} is not a known key.${didYouMean(near)}`);
  return { ...object, [key]: set(object[key], rest, value, here) };
}

import isPlainObject from 'lodash/isPlainObject.js';

/** A config before it is checked. */
export type RawConfig = Record<string, unknown>;

export const isRaw = (value: unknown): value is RawConfig => isPlainObject(value);

/**
 * `over` on top of `base`, as MMEngine does it: objects are merged key by key, everything else (lists too) is
 * replaced; an object with `_delete_: true` replaces its base instead of being merged. Neither input is changed.
 */
export function merge(base: RawConfig, over: RawConfig): RawConfig {
  const { _delete_: replace, ...own } = over;
  const result: RawConfig = replace === true ? {} : { ...base };
  for (const [key, value] of Object.entries(own)) {
    if (key === '__proto__') continue;
    const old = result[key];
    result[key] = isRaw(value) ? merge(isRaw(old) ? old : {}, value) : value;
  }
  return result;
}

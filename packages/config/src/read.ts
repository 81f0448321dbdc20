import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { ConfigError } from '@bidl/registry';

import { importFile, reason, type Modules } from './import-file.js';
import { isRaw, merge, type RawConfig } from './merge.js';
import { resolveImports } from './imports.js';

/** What a file and its bases give: the merged config and every file that was read, the asked one last. */
export interface ReadConfig {
  readonly raw: RawConfig;
  readonly files: readonly string[];
}

/**
 * Reads a config file and its `_base_`s. Imports of the user's own files are made absolute here, since each is
 * relative to the file that names it.
 *
 * @throws ConfigError when a file can't be read, bases form a circle, or two bases set the same key
 */
export async function readConfig(
  file: string,
  modules: Modules = {},
  above: readonly string[] = [],
): Promise<ReadConfig> {
  if (above.includes(file)) {
    const circle = [...above.slice(above.indexOf(file)), file].map((f) => path.basename(f)).join(' -> ');
    throw new ConfigError(`_base_ goes round in a circle: ${circle}`, '_base_');
  }
  const { _base_: bases, ...own } = await evaluate(file, modules);
  // Only editors read it.
  delete own['$schema'];
  const folder = path.dirname(file);
  let base: RawConfig = {};
  const setBy = new Map<string, string>();
  const files: string[] = [];
  for (const name of baseNames(bases, file)) {
    const target = path.resolve(folder, name);
    if (!existsSync(target))
      throw new ConfigError(`_base_ "${name}" of ${file} does not exist (${target})`, '_base_');
    const read = await readConfig(target, modules, [...above, file]);
    for (const key of Object.keys(read.raw)) {
      const other = setBy.get(key);
      if (other !== undefined)
        throw new ConfigError(`_base_ of ${file}: ${other} and ${name} both set "${key}"`, '_base_');
      setBy.set(key, name);
    }
    base = merge(base, read.raw);
    files.push(...read.files);
  }
  if (own['custom_imports'] !== undefined && own['custom_imports'] !== null) {
    own['custom_imports'] = resolveImports(own['custom_imports'], file);
  }
  return { raw: merge(base, own), files: [...files, file] };
}

function baseNames(bases: unknown, file: string): string[] {
  const list = bases === undefined || bases === null ? [] : Array.isArray(bases) ? bases : [bases];
  const wrong: unknown = list.find((base) => typeof base !== 'string');
  if (wrong !== undefined)
    throw new ConfigError(`_base_ of ${file} must name files, not ${JSON.stringify(wrong)}`, '_base_');
  return list as string[];
}

async function evaluate(file: string, modules: Modules): Promise<RawConfig> {
  let value: unknown;
  try {
    value = file.endsWith('.json')
      ? JSON.parse(readFileSync(file, 'utf8'))
      : await importFile(file, modules, true);
  } catch (error) {
    throw new ConfigError(`config ${file} can't be read: ${reason(error)}`, 'config');
  }
  // A module without default export gives its named exports, as upstream's Python modules do.
  const plain: unknown = isRaw(value)
    ? value
    : typeof value === 'object' && value !== null
      ? { ...value }
      : value;
  if (!isRaw(plain) || Array.isArray(value)) {
    throw new ConfigError(
      `config ${file} must export an object: export default defineConfig({ ... })`,
      'config',
    );
  }
  return plain;
}

import path from 'node:path';

import { ConfigError, type ConfigIssue } from '@bidl/registry';

import { inspectConfig } from './check.js';
import { bareName, findConfig } from './find.js';
import { folderIssues } from './folder.js';
import type { Modules } from './import-file.js';
import { loadImports, resolveImports } from './imports.js';
import { isRaw } from './merge.js';
import { nameWarnings } from './name-warnings.js';
import { applyOverrides } from './overrides.js';
import { readConfig } from './read.js';
import type { RunConfig } from './schema.js';

/** Where and how to load a config. */
export interface LoadOptions {
  /** Relative paths and `configs/` start here; the process's own folder when not given. */
  readonly cwd?: string;
  /** `key=value` arguments, applied in order. */
  readonly cfgOptions?: readonly string[];
  /** More folders that hold a `configs/`. */
  readonly roots?: readonly string[];
  /** Modules that configs and `custom_imports` may import wherever they lie, by name. */
  readonly modules?: Modules;
}

/** A config that is ready to run. */
export interface LoadedConfig {
  readonly config: RunConfig;
  /** Absolute path of the file. */
  readonly path: string;
  /** Its bare name: `work_dirs/<name>` is where its runs go. */
  readonly name: string;
  readonly warnings: readonly string[];
}

/**
 * Loads a config by path or bare name: reads it and its bases, applies overrides, loads `custom_imports`, then
 * checks everything, types included. Types are checked against what the process has registered, so import the
 * packages that provide them first.
 *
 * @throws ConfigError that lists every problem with its place
 * @example const { config } = await loadConfig('clif3fc3dm_itout-b16x2-nmnist', { cfgOptions: ['runner.max_epochs=1'] });
 */
export async function loadConfig(nameOrPath: string, options: LoadOptions = {}): Promise<LoadedConfig> {
  const { cwd = process.cwd(), cfgOptions = [], roots = [], modules } = options;
  const file = findConfig(nameOrPath, cwd, roots);
  const misplaced = folderIssues(file);
  const { raw } = await readConfig(file, modules);
  const overridden = applyOverrides(raw, cfgOptions);
  const asked = overridden.config['custom_imports'];
  const isAsked = overridden.places.some((place) => place.startsWith('custom_imports')) && asked !== null;
  // Those of a file are absolute by now; those of the command line start at the working folder.
  const imports = isAsked ? resolveImports(asked, path.join(cwd, '--cfg-options')) : asked;
  const config = isAsked ? { ...overridden.config, custom_imports: imports } : overridden.config;
  const failed = Array.isArray(imports)
    ? await loadImports(
        imports.filter((i) => typeof i === 'string'),
        modules,
      )
    : [];
  const checked = inspectConfig(config);
  const found = 'issues' in checked ? checked.issues.map((issue) => blame(issue, overridden.places)) : [];
  // What a broken import would have registered is unknown for that reason alone.
  const told = failed.length === 0 ? found : found.filter((issue) => !/\.(type|policy)$/.test(issue.place));
  const issues = [...misplaced, ...overridden.issues, ...failed, ...told];
  if (issues.length > 0 || 'issues' in checked) throw new ConfigError(issues, display(file, cwd));
  const name = bareName(file);
  return {
    config: checked.config,
    path: file,
    name,
    warnings: namedByRule(file) ? nameWarnings(name, raw) : [],
  };
}

/** A fault at a place that an override has set is the override's. */
function blame(issue: ConfigIssue, places: readonly string[]): ConfigIssue {
  const isSet = places.some((place) => issue.place === place || issue.place.startsWith(`${place}.`));
  return isSet ? { ...issue, message: `${issue.message} (set by --cfg-options)` } : issue;
}

/** Names follow the rule where folders do. */
const namedByRule = (file: string): boolean =>
  file.split(path.sep).some((part) => part === 'configs' || part === 'applications');

function display(file: string, cwd: string): string {
  const relative = path.relative(cwd, file);
  return relative.startsWith('..') ? file : relative;
}

/** Whether a value is what {@link loadConfig} gives, and not a bare config made in code. */
export function isLoaded(value: unknown): value is LoadedConfig {
  return isRaw(value) && 'config' in value && 'path' in value && 'warnings' in value;
}

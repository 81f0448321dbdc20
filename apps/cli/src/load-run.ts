import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import type { LoadedConfig } from '@bidl/config';
import pc from 'picocolors';

import { UsageError } from './failure.js';

/** The config that a command was given: as its argument, or as upstream spells it, `--config NAME`. */
export function configNamed(argument: string | undefined, option: string | undefined): string {
  if (argument !== undefined && option !== undefined && argument !== option) {
    throw new UsageError(`two configs are given, "${argument}" and --config "${option}": name one`);
  }
  const name = argument ?? option;
  if (name === undefined) throw new UsageError('name a config: bidl configs list shows them');
  return name;
}

/** The folders beside the working one whose `configs/` are searched: that of bidl's own checkout. */
export function configRoots(): string[] {
  const root = fileURLToPath(new URL('../../..', import.meta.url));
  return existsSync(`${root}/configs`) ? [root] : [];
}

/**
 * Loads a config for a run: first the packages that provide types, then the config (with the user's own files),
 * everything checked. A user's file gets the very modules that run here, wherever it lies.
 */
export async function loadRun(name: string, cfgOptions: readonly string[] = []): Promise<LoadedConfig> {
  const [config, registry, formats, pipelines, datasets, engine, neurons, models, runner] = await Promise.all(
    [
      import('@bidl/config'),
      import('@bidl/registry'),
      import('@bidl/formats'),
      import('@bidl/pipelines'),
      import('@bidl/datasets'),
      import('@bidl/engine'),
      import('@bidl/neurons'),
      import('@bidl/models'),
      import('@bidl/runner'),
    ],
  );
  const packages = { config, registry, formats, pipelines, datasets, engine, neurons, models, runner };
  const modules = Object.fromEntries(Object.entries(packages).map(([key, value]) => [`@bidl/${key}`, value]));
  const loaded = await config.loadConfig(name, { cfgOptions, roots: configRoots(), modules });
  for (const warning of loaded.warnings) process.stderr.write(`${pc.yellow('warning')}: ${warning}\n`);
  return loaded;
}

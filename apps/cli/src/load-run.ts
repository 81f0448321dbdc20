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

/** What a run is made of, and what a user's own file may import. */
const PACKAGES = {
  '@bidl/config': () => import('@bidl/config'),
  '@bidl/registry': () => import('@bidl/registry'),
  '@bidl/dynamics': () => import('@bidl/dynamics'),
  '@bidl/formats': () => import('@bidl/formats'),
  '@bidl/pipelines': () => import('@bidl/pipelines'),
  '@bidl/datasets': () => import('@bidl/datasets'),
  '@bidl/engine': () => import('@bidl/engine'),
  '@bidl/neurons': () => import('@bidl/neurons'),
  '@bidl/models': () => import('@bidl/models'),
  '@bidl/runner': () => import('@bidl/runner'),
} as const;

/**
 * Loads a config for a run: first the packages that provide types, then the config (with the user's own files),
 * everything checked. A user's file gets the very modules that run here, wherever it lies.
 */
export async function loadRun(name: string, cfgOptions: readonly string[] = []): Promise<LoadedConfig> {
  const { findConfig, loadConfig } = await PACKAGES['@bidl/config']();
  const roots = configRoots();
  // A misspelt name is told before anything heavy is loaded.
  findConfig(name, process.cwd(), roots);
  const entries = Object.entries(PACKAGES).map(async ([key, load]) => [key, await load()] as const);
  const modules = Object.fromEntries(await Promise.all(entries));
  const loaded = await loadConfig(name, { cfgOptions, roots, modules });
  for (const warning of loaded.warnings) process.stderr.write(`${pc.yellow('warning')}: ${warning}\n`);
  return loaded;
}

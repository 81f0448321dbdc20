import { existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

import { ConfigError, didYouMean, isConfigError, show, suggest, type ConfigIssue } from '@bidl/registry';

import { isRaw } from './merge.js';
import { importFile, reason, type Modules } from './import-file.js';

const PLACE = 'custom_imports';
const ENDINGS = ['', '.ts', '.mts', '.js', '.mjs', '.cjs', '/index.ts', '/index.js'];

/**
 * `custom_imports` of a config file as absolute paths: a list of files relative to it, or upstream's
 * `{ imports: [...] }`. A bare word that is no file is looked up as a package.
 *
 * @throws ConfigError when one is missing, with the nearest file
 */
export function resolveImports(value: unknown, file: string): string[] {
  const given = isRaw(value) ? value['imports'] : value;
  const list: unknown[] = Array.isArray(given) ? given : [given];
  const issues: ConfigIssue[] = [];
  const found = list.map((item, i) => {
    const place = `${PLACE}[${i}]`;
    if (typeof item !== 'string' || item === '') {
      issues.push({ place, message: `${place} must be the path of a file, not ${show(item)}` });
      return '';
    }
    const target = resolveImport(item, file);
    if (target === undefined) issues.push({ place, message: `${place} ${missing(item, file)}` });
    return target ?? '';
  });
  if (issues.length > 0) throw new ConfigError(issues, file);
  return found;
}

function resolveImport(item: string, file: string): string | undefined {
  const target = path.resolve(path.dirname(file), item);
  const match = ENDINGS.map((ending) => target + ending).find(
    (name) => existsSync(name) && statSync(name).isFile(),
  );
  if (match !== undefined || /^[./]/.test(item)) return match;
  try {
    return createRequire(file).resolve(item);
  } catch {
    return undefined;
  }
}

function missing(item: string, file: string): string {
  const target = path.resolve(path.dirname(file), item);
  const folder = path.dirname(target);
  if (!existsSync(folder)) return `"${item}" does not exist: there is no folder ${folder}`;
  const near = suggest(path.basename(target), readdirSync(folder));
  const hint = near === undefined ? undefined : path.join(path.dirname(item), near);
  return `"${item}" does not exist next to ${path.basename(file)}.${didYouMean(hint)}`;
}

/**
 * Loads the user's files, which register their types on import.
 *
 * @param files absolute paths
 * @returns what went wrong, one issue a file
 */
export async function loadImports(files: readonly string[], modules: Modules = {}): Promise<ConfigIssue[]> {
  const issues: ConfigIssue[] = [];
  for (const [i, file] of files.entries()) {
    try {
      await importFile(file, modules);
    } catch (error) {
      const place = `${PLACE}[${i}]`;
      const what = isConfigError(error) ? error.message : reason(error);
      issues.push({ place, message: `${place} ${file} can't be loaded: ${what}` });
    }
  }
  return issues;
}

import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';

import { ConfigError, nearest } from '@bidl/registry';

/** The endings of config files. */
const ENDINGS: readonly string[] = ['.ts', '.mts', '.js', '.mjs', '.json'];

/** A config that can be named. */
export interface FoundConfig {
  /** Its bare name, `clif3fc3dm_itout-b16x2-nmnist`. */
  readonly name: string;
  /** Absolute. */
  readonly path: string;
}

/** Every config below `configs/` of the given folders, sorted by name; bases (`_...`) are left out. */
export function listConfigs(roots: readonly string[]): FoundConfig[] {
  const files = new Set(roots.flatMap((root) => filesBelow(path.resolve(root, 'configs'))));
  return [...files]
    .map((file) => ({ name: bareName(file), path: file }))
    .sort((a, b) => (a.name === b.name ? (a.path < b.path ? -1 : 1) : a.name < b.name ? -1 : 1));
}

/**
 * The file that a path or a bare name means. Names are looked up below `configs/` of `cwd` and of `roots`.
 *
 * @throws ConfigError with the nearest names when there is none, or with all the files when there are several
 */
export function findConfig(nameOrPath: string, cwd: string, roots: readonly string[] = []): string {
  const given = path.resolve(cwd, nameOrPath);
  if (isFile(given) && !given.endsWith('.py')) {
    if (ENDINGS.includes(path.extname(given))) return given;
    throw new ConfigError(
      `config "${nameOrPath}" is no config file: it must end in ${ENDINGS.join(', ')}`,
      'config',
    );
  }
  const known = listConfigs([cwd, ...roots]);
  const name = bareName(nameOrPath);
  const matches = known.filter((config) => config.name === name && !isPath(nameOrPath));
  if (nameOrPath.endsWith('.py')) throw new ConfigError(pythonMessage(nameOrPath, name, known), 'config');
  const [match, second] = matches;
  if (match && second) {
    const files = matches.map((config) => path.relative(cwd, config.path)).join(', ');
    throw new ConfigError(`config "${nameOrPath}" is ambiguous: ${files}. Give the path.`, 'config');
  }
  if (match) return match.path;
  throw new ConfigError(missingMessage(nameOrPath, name, known), 'config');
}

function missingMessage(asked: string, name: string, known: readonly FoundConfig[]): string {
  const what = isPath(asked)
    ? `config file "${asked}" does not exist.`
    : `config "${asked}" was not found below configs/.`;
  return `${what}${hint(name, known)}`;
}

function pythonMessage(asked: string, name: string, known: readonly FoundConfig[]): string {
  const what = `config "${asked}" is a Python file; configs here are TypeScript or JSON.`;
  return `${what}${hint(name, known)}`;
}

function hint(name: string, known: readonly FoundConfig[]): string {
  const names = [...new Set(known.map((config) => config.name))];
  const near = names.includes(name) ? [name] : nearest(name, names);
  if (near.length > 0) return ` Did you mean ${near.map((n) => JSON.stringify(n)).join(' or ')}?`;
  if (names.length === 0) return ' There is no configs/ folder here.';
  return names.length <= 8 ? ` There are: ${names.join(', ')}.` : ' See them all with: bidl configs list';
}

/** The file name without folder and ending. */
export function bareName(file: string): string {
  const base = path.basename(file);
  const ending = [...ENDINGS, '.py'].find((end) => base.endsWith(end));
  return ending === undefined ? base : base.slice(0, -ending.length);
}

/** Something with a folder in it is a path; a bare name with its ending is still looked up. */
const isPath = (text: string): boolean => /[\\/]/.test(text);

const isFile = (file: string): boolean => existsSync(file) && statSync(file).isFile();

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) => {
    const file = path.join(entry.parentPath, entry.name);
    const inner = path.relative(folder, file).split(path.sep);
    const isBase = inner.some(
      (part) => part.startsWith('_') || part.startsWith('.') || part === 'node_modules',
    );
    const isConfig = ENDINGS.includes(path.extname(file)) && !/\.(d|spec|test)\.[mc]?[jt]s$/.test(file);
    return entry.isFile() && isConfig && !isBase ? [file] : [];
  });
}

import { readdirSync } from 'node:fs';
import path from 'node:path';

import type { ConfigIssue } from '@bidl/registry';

import { parseConfigName, squash } from './name.js';

/** Folders whose configs follow the rule; upstream calls its own `applications`. */
const TREES = ['configs', 'applications'];
const RULE = '<task>/<category>/<dataset>/<model>/<file>';

/**
 * The folder rule: below `configs` (or `applications`) a config stands in
 * `classification/<category>/<dataset>/<model>/`, and data set and model are those of its name.
 * Files elsewhere are free, and so are bases (a name or folder that starts with `_`).
 *
 * @param file absolute path
 * @returns the fault with the expected place, or nothing
 */
export function folderIssues(file: string): ConfigIssue[] {
  const parts = file.split(path.sep);
  const at = Math.max(...TREES.map((tree) => parts.lastIndexOf(tree, parts.length - 2)));
  if (at < 0) return [];
  const below = parts.slice(at + 1);
  if (below.some((part) => part.startsWith('_'))) return [];
  const tree = parts[at] ?? '';
  const root = parts.slice(0, at + 1).join(path.sep);
  const wrong = whatIsWrong(below);
  if (wrong === undefined) return [];
  const shown = [tree, ...below].join('/');
  const expected = [tree, ...expectedPlace(root, below)].join('/');
  return [
    {
      place: shown,
      message: `${shown} is in the wrong folder: ${wrong}. A config belongs in ${tree}/${RULE}, this one in ${expected}`,
    },
  ];
}

function whatIsWrong(below: readonly string[]): string | undefined {
  if (below.length !== 5) return `it is ${below.length - 1} folders deep, not 4`;
  const [, , dataset = '', model = '', file = ''] = below;
  const said = parseConfigName(stem(file));
  if (!said) return undefined;
  if (squash(said.data) !== squash(dataset))
    return `its name says the data set "${said.data}", its folder "${dataset}"`;
  if (!squash(said.model).startsWith(squash(model))) {
    return `its name says the model "${said.model}", its folder "${model}"`;
  }
  return undefined;
}

/** The place by the file's name; a folder of that data set that exists already is taken as it is spelt. */
function expectedPlace(root: string, below: readonly string[]): string[] {
  const file = below.at(-1) ?? '';
  const said = parseConfigName(stem(file));
  const task = below.length > 1 ? (below[0] ?? '') : 'classification';
  if (!said) return [task, '<category>', '<dataset>', '<model>', file];
  const known = foldersAt(root, 3).find((folder) => squash(folder.at(-1) ?? '') === squash(said.data));
  const [model = said.model] = said.model.split(/[-_](?=it|lite)/);
  return [...(known ?? [task, below.length > 2 ? (below[1] ?? '') : '<category>', said.data]), model, file];
}

function foldersAt(root: string, depth: number): string[][] {
  let found: string[][] = [[]];
  for (let level = 0; level < depth; level += 1) {
    found = found.flatMap((folder) => foldersIn(path.join(root, ...folder)).map((name) => [...folder, name]));
  }
  return found;
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? [entry.name] : [],
    );
  } catch {
    return [];
  }
}

const stem = (file: string): string => path.basename(file, path.extname(file));

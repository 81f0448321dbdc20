import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The repository's root: the nearest folder above `from` that holds `fixtures/golden`.
 *
 * @throws Error when there is none, as in an installed package
 */
export function repositoryRoot(from: string = process.cwd()): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'fixtures', 'golden', 'RECIPE.md'))) return folder;
    if (dirname(folder) === folder) {
      throw new Error(`no folder above ${from} holds fixtures/golden; run tests inside the repository`);
    }
  }
}

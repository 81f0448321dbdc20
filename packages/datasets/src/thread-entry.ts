import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { LoaderError } from './errors.js';

/**
 * The built file of a worker thread. It lies beside the bundle; when this package runs from its sources
 * (tests), it is in `dist`.
 *
 * @param name `worker.cjs` or `make-worker.cjs`
 * @param base URL of the asking module's folder
 */
export function threadEntry(name: string, base: string | URL = import.meta.url): URL {
  const places = [new URL(`./${name}`, base), new URL(`../dist/${name}`, base)];
  const found = places.find((place) => existsSync(fileURLToPath(place)));
  if (!found) {
    throw new LoaderError(
      `the worker ${name} of @bidl/datasets is not built (looked at ${places.map((place) => fileURLToPath(place)).join(' and ')}):` +
        ' run "npx nx build @bidl/datasets", or use 0 workers',
    );
  }
  return found;
}

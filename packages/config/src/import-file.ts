import { pathToFileURL } from 'node:url';

import { createJiti } from 'jiti';

import { defineConfig } from './define-config.js';

/** Modules a user's file may import although they can't be resolved from where it lies. */
export type Modules = Readonly<Record<string, unknown>>;

/** Loads a TypeScript or JavaScript file; `fresh` reads it anew each time. */
export async function importFile(file: string, modules: Modules, fresh = false): Promise<unknown> {
  const jiti = createJiti(pathToFileURL(file).href, {
    // Babel is quick enough for a page of config, and a cache could be stale or unwritable.
    fsCache: false,
    moduleCache: !fresh,
    virtualModules: { '@bidl/config': { defineConfig }, ...modules },
  });
  return jiti.import(file, { default: true });
}

/** The first line of an error's message says it all, mostly. */
export function reason(error: unknown): string {
  return error instanceof Error || (typeof error === 'object' && error !== null && 'message' in error)
    ? String((error as { message: unknown }).message)
    : String(error);
}

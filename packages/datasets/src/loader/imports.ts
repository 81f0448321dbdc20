import { LoaderError } from '../errors.js';

/** Loads the user's modules (TypeScript or JavaScript), which register their data sets and ops. */
export async function loadImports(paths: readonly string[]): Promise<void> {
  if (paths.length === 0) return;
  const { createJiti } = await import('jiti'); // few runs need it, and it takes a while
  const jiti = createJiti(import.meta.url);
  for (const path of paths) {
    try {
      await jiti.import(path);
    } catch (error) {
      throw new LoaderError(`custom import ${path} can't be loaded: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
}

import { createRequire } from 'node:module';
import { EngineError } from './errors.js';

let loaded: string | undefined;

/**
 * Loads bidl's op library beside TensorFlow. Its ops register themselves once per process; loading it again (every jest
 * file evaluates its modules anew) changes nothing.
 *
 * @throws EngineError
 */
export function loadOps(path: string): void {
  if (loaded === path) return;
  try {
    createRequire(import.meta.url)(path);
  } catch (error) {
    throw new EngineError(
      `The spike ops in ${path} cannot be loaded: ${(error as Error).message}. Run \`bidl engine install\`.`,
    );
  }
  loaded = path;
}

/** Whether the fused spike ops can be executed. */
export function opsLoaded(): boolean {
  return loaded !== undefined;
}

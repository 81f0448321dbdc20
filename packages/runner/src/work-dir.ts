import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { saveFile } from '@bidl/formats';

/** A run's folder can't be used. */
export class WorkDirError extends Error {
  override readonly name = 'WorkDirError';
}

/** Where a run's files go: as asked, or as the config says, or `work_dirs/<config name>`. Absolute. */
export function workDirOf(
  asked: string | undefined,
  configured: string | null | undefined,
  name: string,
): string {
  return resolve(asked ?? configured ?? join('work_dirs', name));
}

/**
 * Make the folder and put the resolved config into it (`config.json`).
 *
 * @throws WorkDirError when the folder can't be made or written.
 */
export async function prepareWorkDir(dir: string, config: unknown): Promise<void> {
  try {
    mkdirSync(dir, { recursive: true });
    await saveFile(
      join(dir, 'config.json'),
      new TextEncoder().encode(`${JSON.stringify(config, null, 2)}\n`),
    );
  } catch (cause) {
    throw new WorkDirError(
      `the work dir ${dir} can't be used: ${cause instanceof Error ? cause.message : String(cause)}. ` +
        'Make room or rights there, or choose another with --work-dir.',
      { cause },
    );
  }
}

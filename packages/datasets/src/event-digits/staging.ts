import { readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** The name under which a folder is prepared: beside the final one, with the maker's process number. */
export function stagingName(name: string, pid: number = process.pid): string {
  return `.${name}.making-${pid}`;
}

/** Removes what killed makers of this folder have left behind. */
export function removeStale(folder: string): void {
  const start = `.${basename(folder)}.making-`;
  for (const name of readdirSync(dirname(folder))) {
    if (!name.startsWith(start)) continue;
    const pid = Number(name.slice(start.length));
    if (Number.isInteger(pid) && pid > 0 && pid !== process.pid && isAlive(pid)) continue;
    rmSync(join(dirname(folder), name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

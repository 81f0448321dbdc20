import { lstatSync, mkdirSync, readdirSync, statfsSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { EngineInstallError } from './errors.js';

/**
 * The folder that all checkouts of this user share: `BIDL_CACHE`, else `bidl` in the XDG cache folder (`~/.cache`).
 *
 * @example cacheRoot({ BIDL_CACHE: '/big/disk' }) // '/big/disk'
 */
export function cacheRoot(env: Readonly<Record<string, string | undefined>> = process.env): string {
  if (env['BIDL_CACHE']) return resolve(env['BIDL_CACHE']);
  const xdg = env['XDG_CACHE_HOME'];
  return join(xdg !== undefined && isAbsolute(xdg) ? xdg : join(homedir(), '.cache'), 'bidl');
}

/** Bytes under a folder (links are not followed); 0 when it is not there. */
export function folderSize(folder: string): number {
  let entries;
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return 0;
  }
  return entries.reduce((sum, entry) => {
    const path = join(folder, entry.name);
    return sum + (entry.isDirectory() ? folderSize(path) : lstatSync(path).size);
  }, 0);
}

/** Makes the folder and checks that the disk under it has room. @throws EngineInstallError when it has not. */
export function requireSpace(
  folder: string,
  bytes: number,
  free: (folder: string) => number = freeBytes,
): void {
  const step = 'check disk space';
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new EngineInstallError(
      step,
      `the cache folder ${folder} cannot be made: ${(error as Error).message}`,
      'set BIDL_CACHE to a folder that you may write to, and run it again.',
    );
  }
  const available = free(folder);
  if (available < bytes) {
    throw new EngineInstallError(
      step,
      `${folder} has ${gigabytes(available)} free, ${gigabytes(bytes)} are needed`,
      'free some space there, or set BIDL_CACHE to a folder on a bigger disk, and run it again.',
    );
  }
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** @example gigabytes(1.3e9) // '1.3 GB' */
export function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

/** @example megabytes(274e6) // '274 MB' */
export function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}

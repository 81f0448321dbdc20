import { createHash } from 'node:crypto';
import { createReadStream, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** Name of the file that lists what a cache folder should hold. */
export const MANIFEST = 'manifest.json';

export interface FileRecord {
  readonly size: number;
  readonly sha256: string;
}

/** What a folder of the cache holds, written as the last thing before the folder is renamed into place. */
export interface Manifest {
  readonly what: string;
  readonly version: string;
  /** By path relative to the folder. */
  readonly files: Readonly<Record<string, FileRecord>>;
}

/** The manifest of a folder; `undefined` when there is none or it cannot be read. */
export function readManifest(folder: string): Manifest | undefined {
  try {
    const found = JSON.parse(readFileSync(join(folder, MANIFEST), 'utf8')) as Partial<Manifest>;
    return typeof found.what === 'string' &&
      typeof found.version === 'string' &&
      typeof found.files === 'object' &&
      found.files !== null
      ? { what: found.what, version: found.version, files: found.files }
      : undefined;
  } catch {
    return undefined;
  }
}

/** Files that are missing or have another size than recorded, in words. Costs one `stat` a file. */
export function wrongSizes(folder: string, manifest: Manifest): string[] {
  return Object.entries(manifest.files).flatMap(([name, { size }]) => {
    const found = sizeOf(join(folder, name));
    if (found === size) return [];
    return [found === undefined ? `${name} is missing` : `${name} has ${found} bytes instead of ${size}`];
  });
}

/** Files whose content is not what was installed, in words. Reads everything. */
export async function wrongHashes(folder: string, manifest: Manifest): Promise<string[]> {
  const wrong: string[] = [];
  for (const [name, { sha256 }] of Object.entries(manifest.files)) {
    const found = await sha256Of(join(folder, name)).catch(() => undefined);
    if (found !== sha256)
      wrong.push(
        found === undefined ? `${name} cannot be read` : `${name} has changed since it was installed`,
      );
  }
  return wrong;
}

/** Size of a file in bytes, links followed; `undefined` when it is not there. */
export function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}

export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}

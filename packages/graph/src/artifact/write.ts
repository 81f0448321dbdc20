import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { type ArtifactSource, artifactFiles } from './contents.js';
import { ArtifactError } from './error.js';
import { ARTIFACT } from './manifest.js';

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException | undefined)?.code;

/**
 * Writes an artifact as the folder `dir`; see {@link writeFolder}.
 *
 * @throws ArtifactError when `dir` holds something else or cannot be written, GraphError for an unsound source
 *
 * @example await writeArtifact('model_files/classification/Clif3fc3dm_itoutDm', { graph, producer, ... });
 */
export const writeArtifact = (dir: string, source: ArtifactSource): Promise<void> =>
  writeFolder(dir, artifactFiles(source), ARTIFACT);

/**
 * Writes files as the folder `dir`: everything is written beside it, flushed, and the folder renamed into its place, so
 * that `dir` never holds a part of it. A folder of ours (or an empty one) that stands there is replaced; anything else
 * is left alone.
 *
 * @param kind whose manifest shows that a folder is ours
 * @throws ArtifactError when `dir` holds something else or cannot be written
 */
export async function writeFolder(
  dir: string,
  files: ReadonlyMap<string, Uint8Array>,
  { manifest }: { readonly manifest: string },
): Promise<void> {
  const target = resolve(dir);
  await refuseForeign(target, manifest);
  const beside = (what: string) => join(dirname(target), `.${basename(target)}.${randomUUID()}.${what}`);
  const fresh = beside('new');
  try {
    for (const [path, bytes] of files) await writeFlushed(join(fresh, path), bytes);
    await flushFolders(fresh);
    await putInPlace(fresh, target, beside('old'));
    await flushFolder(dirname(target));
  } catch (error) {
    if (error instanceof ArtifactError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new ArtifactError(
      { folder: target },
      `cannot be written (${reason})`,
      'what stood there is unchanged; free the disk or the permission, or choose another --out',
      { cause: error },
    );
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

async function refuseForeign(target: string, manifest: string): Promise<void> {
  const names = await readdir(target).catch((error: unknown): string[] => {
    if (codeOf(error) === 'ENOENT') return [];
    throw new ArtifactError(
      { folder: target },
      `is no folder (${codeOf(error) ?? 'unreadable'})`,
      'choose another --out',
    );
  });
  if (names.length > 0 && !names.includes(manifest)) {
    throw new ArtifactError(
      { folder: target },
      `holds ${names.slice(0, 3).join(', ')} and is no artifact, so it is not replaced`,
      'choose another --out or empty the folder',
    );
  }
}

async function writeFlushed(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, 'wx');
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes the names themselves survive a power cut, where the system can. */
async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

async function flushFolders(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await flushFolders(join(folder, entry.name));
  }
  await flushFolder(folder);
}

/** Moves what stands in the way aside first, and back when the new folder cannot take its place. */
async function putInPlace(fresh: string, target: string, old: string): Promise<void> {
  const moved = await rename(target, old).then(
    () => true,
    (error: unknown) => {
      if (codeOf(error) === 'ENOENT') return false;
      throw error;
    },
  );
  try {
    await rename(fresh, target);
  } catch (error) {
    if (moved) await rename(old, target).catch(() => undefined);
    throw error;
  }
  if (moved) await rm(old, { recursive: true, force: true });
}

import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { fileError } from './file-error.js';

/** Puts all bytes into an existing file, or throws. */
export type Put = (path: string, bytes: Uint8Array) => Promise<void>;

/**
 * Writes until everything is written. A single write may come back short (the disk is about to be full, more than
 * 2 GiB), and only the next one fails.
 */
const put: Put = async (path, bytes) => {
  const file = await open(path, 'r+');
  try {
    for (let at = 0; at < bytes.length;)
      at += (await file.write(bytes, at, Math.min(bytes.length - at, 2 ** 30), at)).bytesWritten;
  } finally {
    await file.close();
  }
};

/** Makes the rename itself survive a power cut, where the system can (folders cannot be flushed on Windows). */
async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

/**
 * Saves a file so that whoever reads the path finds the old content or the new one, never a part: it is written beside
 * its place, flushed to the disk and renamed. When that fails (full disk, no permission), the old file is untouched and
 * what was written beside it is removed. Two saves of one path wait for each other.
 *
 * @param write how the bytes get into the file beside; given by tests only
 * @throws FileError that names the path and the reason
 */
export async function saveFile(path: string, bytes: Uint8Array, write: Put = put): Promise<void> {
  try {
    // The library writes once and does not look whether everything was taken, so the bytes are put in by our own hand;
    // it does the naming, flushing, renaming and clearing up.
    await writeFileAtomic(path, '', { fsync: true, tmpfileCreated: (beside) => write(beside, bytes) });
    await flushFolder(dirname(path));
  } catch (error) {
    throw fileError(path, error, 'written');
  }
}

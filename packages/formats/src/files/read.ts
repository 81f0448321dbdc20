import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { FormatError } from '../errors.js';
import { fileError, FileError } from './file-error.js';

/** Larger files are refused before their memory is allocated. */
export interface ReadLimit {
  readonly maxBytes?: number;
}

interface Stat {
  isFile(): boolean;
  isDirectory(): boolean;
  readonly size: number;
}

function checkStat(path: string, stat: Stat, { maxBytes = 8 * 2 ** 30 }: ReadLimit): number {
  if (!stat.isFile()) {
    // A device or a pipe may never end.
    throw new FileError(path, `cannot be read: it is ${stat.isDirectory() ? 'a folder' : 'no regular file'}`);
  }
  if (stat.size > maxBytes) {
    throw new FormatError(`file oversized: ${stat.size} bytes, the limit is ${maxBytes}`, { file: path });
  }
  return stat.size;
}

function checkLength(path: string, got: number, size: number): void {
  if (got < size)
    throw new FileError(path, `cannot be read: it shrank from ${size} to ${got} bytes meanwhile`);
}

/**
 * All bytes of a regular file, in memory of their own.
 *
 * @throws FileError when it is missing or unreadable, FormatError when it is oversized; both name the path
 */
export function readBytes(path: string, limit: ReadLimit = {}): Uint8Array {
  try {
    const file = openSync(path, 'r');
    try {
      const bytes = new Uint8Array(checkStat(path, fstatSync(file), limit));
      let at = 0;
      for (let n = 1; n > 0 && at < bytes.length; at += n)
        n = readSync(file, bytes, at, bytes.length - at, at);
      checkLength(path, at, bytes.length);
      return bytes;
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw named(path, error);
  }
}

/** As {@link readBytes}, without blocking. */
export async function readBytesAsync(path: string, limit: ReadLimit = {}): Promise<Uint8Array> {
  try {
    const file = await open(path, 'r');
    try {
      const bytes = new Uint8Array(checkStat(path, await file.stat(), limit));
      let at = 0;
      for (let n = 1; n > 0 && at < bytes.length; at += n) {
        n = (await file.read(bytes, at, bytes.length - at, at)).bytesRead;
      }
      checkLength(path, at, bytes.length);
      return bytes;
    } finally {
      await file.close();
    }
  } catch (error) {
    throw named(path, error);
  }
}

function named(path: string, error: unknown): unknown {
  return error instanceof FileError || error instanceof FormatError ? error : fileError(path, error, 'read');
}

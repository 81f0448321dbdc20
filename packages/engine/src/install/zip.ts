import {
  createReadStream,
  createWriteStream,
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw } from 'node:zlib';

/** A wheel is not a readable zip archive, or one of its members is damaged. */
export class ZipError extends Error {
  override readonly name = 'ZipError';
}

export interface ZipEntry {
  readonly name: string;
  /** 0 stored, 8 deflated. */
  readonly method: number;
  readonly compressedSize: number;
  readonly size: number;
  /** Where the member's local header begins. */
  readonly offset: number;
}

const END = 0x06054b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;

/** The members of a zip archive, read from its central directory. @throws ZipError */
export function readZipDirectory(path: string): ZipEntry[] {
  const file = openSync(path, 'r');
  try {
    const length = fstatSync(file).size;
    const tailLength = Math.min(length, 22 + 0xffff);
    const tail = readAt(file, length - tailLength, tailLength);
    let end = tail.length - 22;
    while (end >= 0 && tail.readUInt32LE(end) !== END) end--;
    if (end < 0)
      throw new ZipError(`${path} is not a complete zip archive (${length} bytes, no end record).`);
    const directory = readAt(file, tail.readUInt32LE(end + 16), tail.readUInt32LE(end + 12));
    return parseDirectory(directory, tail.readUInt16LE(end + 10), path);
  } finally {
    closeSync(file);
  }
}

function parseDirectory(directory: Buffer, count: number, path: string): ZipEntry[] {
  const entries: ZipEntry[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + 46 > directory.length || directory.readUInt32LE(at) !== CENTRAL)
      throw new ZipError(`${path}: entry ${i} of the directory is damaged.`);
    const nameLength = directory.readUInt16LE(at + 28);
    entries.push({
      name: directory.toString('utf8', at + 46, at + 46 + nameLength),
      method: directory.readUInt16LE(at + 10),
      compressedSize: directory.readUInt32LE(at + 20),
      size: directory.readUInt32LE(at + 24),
      offset: directory.readUInt32LE(at + 42),
    });
    at += 46 + nameLength + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  return entries;
}

/**
 * Writes one member to `target` (streamed: members may be larger than memory) and returns what was written.
 *
 * @throws ZipError when the member does not inflate to the size that the directory states.
 */
export async function extractEntry(
  path: string,
  entry: ZipEntry,
  target: string,
  onBytes?: (bytes: number) => void,
): Promise<{ size: number; sha256: string }> {
  const start = dataOffset(path, entry);
  mkdirSync(dirname(target), { recursive: true });
  const hash = createHash('sha256');
  let size = 0;
  const measure = new Transform({
    highWaterMark: 1 << 20,
    transform(chunk: Buffer, _encoding, next) {
      hash.update(chunk);
      size += chunk.length;
      onBytes?.(chunk.length);
      next(null, chunk);
    },
  });
  if (entry.size === 0) {
    await pipeline([Buffer.alloc(0)], createWriteStream(target));
    return { size, sha256: hash.digest('hex') };
  }
  const source = createReadStream(path, {
    start,
    end: start + entry.compressedSize - 1,
    highWaterMark: 1 << 20,
  });
  const sink = createWriteStream(target, { flush: true });
  try {
    if (entry.method === 8) await pipeline(source, createInflateRaw({ chunkSize: 1 << 20 }), measure, sink);
    else if (entry.method === 0) await pipeline(source, measure, sink);
    else
      throw new ZipError(
        `${path}: ${entry.name} is packed by method ${entry.method}, which is unknown here.`,
      );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code?.startsWith('Z_'))
      throw new ZipError(`${path}: ${entry.name} is damaged (${(error as Error).message}).`);
    throw error;
  }
  if (size !== entry.size)
    throw new ZipError(`${path}: ${entry.name} unpacked to ${size} bytes, not ${entry.size}.`);
  return { size, sha256: hash.digest('hex') };
}

/** Where the bytes of a member begin: after its local header, whose length the directory does not tell. */
function dataOffset(path: string, entry: ZipEntry): number {
  const file = openSync(path, 'r');
  try {
    const header = readAt(file, entry.offset, 30);
    if (header.readUInt32LE(0) !== LOCAL)
      throw new ZipError(`${path}: the header of ${entry.name} is damaged.`);
    return entry.offset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
  } finally {
    closeSync(file);
  }
}

function readAt(file: number, position: number, length: number): Buffer {
  const buffer = Buffer.alloc(length);
  const read = readSync(file, buffer, 0, length, position);
  if (read !== length)
    throw new ZipError(`the archive ends early: ${read} of ${length} bytes at ${position}.`);
  return buffer;
}

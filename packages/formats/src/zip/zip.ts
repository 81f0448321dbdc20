import { crc32, inflateRawSync } from 'node:zlib';
import { zipSync } from 'fflate';
import { codeOf, FormatError } from '../errors.js';

/** How much an archive may unfold to. */
export interface ZipLimits {
  /** Bytes of all entries together after unpacking. Default 4 GiB. */
  readonly maxBytes?: number;
  /** Number of entries. Default 65,535. */
  readonly maxEntries?: number;
}

const END = 0x06054b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;

interface Entry {
  readonly name: string;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  readonly local: number;
  readonly at: number;
}

/**
 * Unpacks a zip archive into memory: stored and deflated entries, sizes checked against the limits before anything is
 * allocated, against what really comes out afterwards, and every checksum compared. The central directory is the truth.
 *
 * @throws FormatError when the archive is damaged, encrypted, a zip bomb, or of the 64-bit kind
 */
export function readZip(bytes: Uint8Array, limits: ZipLimits = {}): Map<string, Uint8Array> {
  const { maxBytes = 4 * 2 ** 30, maxEntries = 65_535 } = limits;
  const entries = directory(bytes, maxEntries);
  const declared = entries.reduce((sum, e) => sum + e.size, 0);
  if (declared > maxBytes) {
    throw new FormatError(
      `zip archive oversized: it would unpack to ${declared} bytes, the limit is ${maxBytes}`,
    );
  }
  const files = new Map<string, Uint8Array>();
  for (const entry of entries) {
    if (files.has(entry.name))
      throw new FormatError(`zip archive has two entries called ${quote(entry.name)}`, { byte: entry.at });
    files.set(entry.name, unpack(bytes, entry));
  }
  return files;
}

/** Packs files into a zip archive; the same files give the same bytes, whenever and wherever. */
export function writeZip(
  files: ReadonlyMap<string, Uint8Array>,
  options: { readonly compress?: boolean } = {},
): Uint8Array {
  const level = options.compress ? 6 : 0;
  // Zip has local time without a zone: the same local date everywhere gives the same bytes.
  return zipSync(
    Object.fromEntries(
      [...files].map(([name, data]) => [name, [data, { level, mtime: new Date(1980, 0, 1) }]]),
    ),
  );
}

const quote = (name: string): string => JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}...` : name);

function viewOver(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function directory(bytes: Uint8Array, maxEntries: number): Entry[] {
  const view = viewOver(bytes);
  const end = findEnd(bytes, view);
  const count = view.getUint16(end + 10, true);
  const size = view.getUint32(end + 12, true);
  let at = view.getUint32(end + 16, true);
  if (count === 0xffff || size === 0xffffffff || at === 0xffffffff) {
    throw new FormatError('64-bit zip archives are not read; split it into several files', { byte: end });
  }
  if (count > maxEntries)
    throw new FormatError(`zip archive has ${count} entries, the limit is ${maxEntries}`, { byte: end + 10 });
  if (at + size > end)
    throw new FormatError('zip archive truncated: its directory lies outside the file', { byte: end + 16 });

  const decoder = new TextDecoder();
  const entries: Entry[] = [];
  for (let i = 0; i < count; i++) {
    if (at + 46 > end || view.getUint32(at, true) !== CENTRAL) {
      throw new FormatError(`zip directory entry ${i} is damaged`, { byte: at });
    }
    const nameLength = view.getUint16(at + 28, true);
    const next = at + 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (next > end) throw new FormatError(`zip directory entry ${i} is damaged`, { byte: at });
    const name = decoder.decode(bytes.subarray(at + 46, at + 46 + nameLength));
    if (view.getUint16(at + 8, true) & 1)
      throw new FormatError(`zip entry ${quote(name)} is encrypted`, { byte: at });
    entries.push({
      name,
      method: view.getUint16(at + 10, true),
      crc: view.getUint32(at + 16, true),
      packed: view.getUint32(at + 20, true),
      size: view.getUint32(at + 24, true),
      local: view.getUint32(at + 42, true),
      at,
    });
    at = next;
  }
  return entries;
}

function findEnd(bytes: Uint8Array, view: DataView): number {
  const first = Math.max(0, bytes.length - 22 - 65_535);
  for (let at = bytes.length - 22; at >= first; at--) {
    if (view.getUint32(at, true) === END && at + 22 + view.getUint16(at + 20, true) === bytes.length)
      return at;
  }
  const start = bytes.length >= 4 && view.getUint32(0, true) === LOCAL;
  throw new FormatError(start ? 'zip archive truncated: its directory is missing' : 'no zip archive', {
    byte: start ? bytes.length : 0,
  });
}

function unpack(bytes: Uint8Array, entry: Entry): Uint8Array {
  const view = viewOver(bytes);
  const { name, local, packed, size } = entry;
  if (local + 30 > bytes.length || view.getUint32(local, true) !== LOCAL) {
    throw new FormatError(`zip entry ${quote(name)} is damaged: no header at its place`, { byte: local });
  }
  const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
  if (start + packed > bytes.length) {
    throw new FormatError(
      `zip entry ${quote(name)} truncated: it should end at ${start + packed}, the file ends at ${bytes.length}`,
      {
        byte: start,
      },
    );
  }
  const raw = bytes.subarray(start, start + packed);
  const data = entry.method === 0 ? raw : inflate(raw, entry, start);
  if (data.length !== size) {
    throw new FormatError(`zip entry ${quote(name)} declares ${size} bytes and holds ${data.length}`, {
      byte: start,
    });
  }
  if (crc32(data) !== entry.crc)
    throw new FormatError(`zip entry ${quote(name)} is damaged: its checksum differs`, { byte: start });
  return data;
}

function inflate(raw: Uint8Array, entry: Entry, start: number): Uint8Array {
  if (entry.method !== 8) {
    throw new FormatError(
      `zip entry ${quote(entry.name)} uses compression method ${entry.method}; 0 (stored) and 8 (deflate) are read`,
      {
        byte: entry.at,
      },
    );
  }
  // Deflate cannot do better than 1032:1, so a larger promise is a lie, found before its memory is allocated.
  if (entry.size > raw.length * 1032 + 1032) {
    throw new FormatError(
      `zip entry ${quote(entry.name)} declares ${entry.size} bytes out of ${raw.length}: impossible`,
      { byte: entry.at },
    );
  }
  try {
    return inflateRawSync(raw, { maxOutputLength: Math.max(1, entry.size) });
  } catch (error) {
    const what =
      codeOf(error) === 'ERR_BUFFER_TOO_LARGE'
        ? `unpacks to more than the ${entry.size} bytes it declares`
        : 'is damaged: it does not unpack';
    throw new FormatError(`zip entry ${quote(entry.name)} ${what}`, { byte: start }, { cause: error });
  }
}

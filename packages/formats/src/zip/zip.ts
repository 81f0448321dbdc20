import { crc32, inflateRawSync } from 'node:zlib';
import { zipSync } from 'fflate';
import { codeOf, FormatError } from '../errors.js';
import { quote, readDirectory, type ZipEntry } from './directory.js';

/** How much an archive may unfold to. */
export interface ZipLimits {
  /** Bytes of all entries together after unpacking. Default 4 GiB. */
  readonly maxBytes?: number;
  /** Number of entries. Default 65,535. */
  readonly maxEntries?: number;
  /** Accept an archive that was written without checksums: all of them are 0. Default false. */
  readonly checksumsOptional?: boolean;
}

/** An archive whose entries are unpacked one at a time. */
export interface ZipArchive {
  /** In the directory's order. */
  readonly names: readonly string[];
  /**
   * An entry's bytes; where it is stored as it is, they lie in the archive's own memory.
   *
   * @throws FormatError when there is no such entry, or it is damaged
   */
  read(name: string): Uint8Array;
}

/**
 * Opens a zip archive without unpacking anything: stored and deflated entries, sizes checked against the limits before
 * anything is allocated, against what really comes out afterwards, and every checksum compared.
 *
 * @throws FormatError when the archive is damaged, encrypted, a zip bomb, or of the 64-bit kind
 */
export function openZip(bytes: Uint8Array, limits: ZipLimits = {}): ZipArchive {
  const { maxBytes = 4 * 2 ** 30, maxEntries = 65_535, checksumsOptional = false } = limits;
  const entries = readDirectory(bytes, maxEntries);
  const declared = entries.reduce((sum, e) => sum + e.size, 0);
  if (declared > maxBytes) {
    throw new FormatError(
      `zip archive oversized: it would unpack to ${declared} bytes, the limit is ${maxBytes}`,
    );
  }
  const checked = !checksumsOptional || entries.some((entry) => entry.crc !== 0);
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  return {
    names: [...byName.keys()],
    read(name) {
      const entry = byName.get(name);
      if (!entry) throw new FormatError(`zip archive has no entry ${quote(name)}`);
      return unpack(bytes, entry, checked);
    },
  };
}

/** Unpacks a zip archive into memory. Throws as {@link openZip} and its `read` do. */
export function readZip(bytes: Uint8Array, limits: ZipLimits = {}): Map<string, Uint8Array> {
  const archive = openZip(bytes, limits);
  return new Map(archive.names.map((name) => [name, archive.read(name)]));
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

function unpack(bytes: Uint8Array, entry: ZipEntry, checked: boolean): Uint8Array {
  const { name, start, packed, size } = entry;
  const raw = bytes.subarray(start, start + packed);
  const data = entry.method === 0 ? raw : inflate(raw, entry);
  if (data.length !== size) {
    throw new FormatError(`zip entry ${quote(name)} declares ${size} bytes and holds ${data.length}`, {
      byte: start,
    });
  }
  if (checked && crc32(data) !== entry.crc)
    throw new FormatError(`zip entry ${quote(name)} is damaged: its checksum differs`, { byte: start });
  return data;
}

function inflate(raw: Uint8Array, entry: ZipEntry): Uint8Array {
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
    throw new FormatError(`zip entry ${quote(entry.name)} ${what}`, { byte: entry.start }, { cause: error });
  }
}

import { FormatError } from '../errors.js';

const END = 0x06054b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;

/** One file of an archive, as its directory describes it; where its bytes lie has been checked. */
export interface ZipEntry {
  readonly name: string;
  readonly method: number;
  readonly crc: number;
  /** Bytes in the archive, and after unpacking. */
  readonly packed: number;
  readonly size: number;
  /** Of its own header, and of the first packed byte behind it. */
  readonly local: number;
  readonly start: number;
  /** Of its description in the directory. */
  readonly at: number;
}

/** A name as a message may show it. */
export const quote = (name: string): string =>
  JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}...` : name);

/**
 * The entries of an archive, in the directory's order. The central directory is the truth; what it says has to lie
 * inside the file, once, and no two entries may share a byte.
 *
 * @throws FormatError when the directory is damaged, an entry is encrypted, or the archive is of the 64-bit kind
 */
export function readDirectory(bytes: Uint8Array, maxEntries: number): ZipEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = findEnd(bytes, view);
  const count = view.getUint16(end + 10, true);
  const size = view.getUint32(end + 12, true);
  const first = view.getUint32(end + 16, true);
  if (count === 0xffff || size === 0xffffffff || first === 0xffffffff) {
    throw new FormatError('64-bit zip archives are not read; split it into several files', { byte: end });
  }
  if (count > maxEntries)
    throw new FormatError(`zip archive has ${count} entries, the limit is ${maxEntries}`, { byte: end + 10 });
  if (first + size > end)
    throw new FormatError('zip archive truncated: its directory lies outside the file', { byte: end + 16 });

  const decoder = new TextDecoder();
  const entries: ZipEntry[] = [];
  const names = new Set<string>();
  let at = first;
  for (let i = 0; i < count; i++) {
    if (at + 46 > end || view.getUint32(at, true) !== CENTRAL) {
      throw new FormatError(`zip directory entry ${i} is damaged`, { byte: at });
    }
    const nameLength = view.getUint16(at + 28, true);
    const next = at + 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (next > end) throw new FormatError(`zip directory entry ${i} is damaged`, { byte: at });
    const rawName = bytes.subarray(at + 46, at + 46 + nameLength);
    const name = decoder.decode(rawName);
    if (names.has(name))
      throw new FormatError(`zip archive has two entries called ${quote(name)}`, { byte: at });
    names.add(name);
    if (view.getUint16(at + 8, true) & 1)
      throw new FormatError(
        `zip entry ${quote(name)} is encrypted; unpack it and pack it without a password`,
        {
          byte: at,
        },
      );
    const packed = view.getUint32(at + 20, true);
    const local = view.getUint32(at + 42, true);
    entries.push({
      name,
      method: view.getUint16(at + 10, true),
      crc: view.getUint32(at + 16, true),
      packed,
      size: view.getUint32(at + 24, true),
      local,
      start: startOf(bytes, view, { name, rawName, local, packed }),
      at,
    });
    at = next;
  }
  checkApart(entries, first);
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

/** Where an entry's bytes begin, behind its own header, which has to repeat its name. */
function startOf(
  bytes: Uint8Array,
  view: DataView,
  entry: Pick<ZipEntry, 'name' | 'local' | 'packed'> & { readonly rawName: Uint8Array },
): number {
  const { name, rawName, local, packed } = entry;
  if (local + 30 > bytes.length || view.getUint32(local, true) !== LOCAL) {
    throw new FormatError(`zip entry ${quote(name)} is damaged: no header at its place`, { byte: local });
  }
  const nameEnd = local + 30 + view.getUint16(local + 26, true);
  const start = nameEnd + view.getUint16(local + 28, true);
  if (Buffer.compare(bytes.subarray(local + 30, nameEnd), rawName) !== 0)
    throw new FormatError(`zip entry ${quote(name)} is damaged: its header has another name`, {
      byte: local,
    });
  if (start + packed > bytes.length) {
    throw new FormatError(
      `zip entry ${quote(name)} truncated: it should end at ${start + packed}, the file ends at ${bytes.length}`,
      { byte: start },
    );
  }
  return start;
}

/** Entries that share bytes are how a small archive claims to be a huge one. */
function checkApart(entries: readonly ZipEntry[], directory: number): void {
  let end = 0;
  for (const { name, local, start, packed } of [...entries].sort((a, b) => a.local - b.local)) {
    if (local < end || start + packed > directory)
      throw new FormatError(`zip entry ${quote(name)} overlaps another one`, { byte: local });
    end = start + packed;
  }
}

import { FormatError } from '../errors.js';
import { Cursor } from '../pickle/cursor.js';
import { budgetFor, readNext } from '../pickle/read-pickle.js';
import type { PickleValue } from '../pickle/value.js';
import { openZip, type ZipArchive } from '../zip/zip.js';
import { torchObjects } from './torch-dialect.js';

/**
 * PyTorch's format since 1.6: a zip archive of one folder, with the value's pickle in `data.pkl`, the elements of each
 * storage in `data/<key>`, and their byte order in `byteorder` (little-endian where it is missing).
 */
export function readZipCheckpoint(bytes: Uint8Array): PickleValue {
  // torch.serialization.set_crc32_options(False) leaves the checksums out.
  const archive = openZip(bytes, {
    maxBytes: budgetFor(bytes).left,
    checksumsOptional: true,
  });
  const folder = folderOf(archive);
  const { dialect, tensors } = torchObjects();
  const value = inEntry(`${folder}data.pkl`, () => {
    const cursor = new Cursor(archive.read(`${folder}data.pkl`));
    const value = readNext(cursor, budgetFor(bytes), dialect);
    if (cursor.left > 0) cursor.fail(`${cursor.left} more bytes follow its end`);
    return value;
  });
  tensors.fill(
    ({ key, byteLength }) => {
      const content = archive.read(`${folder}data/${key}`);
      if (content.length === byteLength) return content;
      throw new FormatError(
        `entry ${JSON.stringify(`${folder}data/${key}`)} has ${content.length} bytes, its tensors need ${byteLength}`,
      );
    },
    isLittleEndian(archive, folder),
  );
  return value;
}

/** The archive's one folder, with a slash behind it. */
function folderOf({ names }: ZipArchive): string {
  const pickles = names.filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  const [pickle] = pickles;
  if (names.some((name) => /^[^/]+\/(constants\.pkl|code\/.*)$/.test(name))) {
    throw new FormatError(
      'a TorchScript archive (torch.jit.save): a program, not only weights. Export its weights in Python: ' +
        "torch.save(torch.jit.load(FILE).state_dict(), 'weights.pth')",
    );
  }
  if (pickle === undefined || pickles.length > 1) {
    const seen = names.slice(0, 3).map((name) => JSON.stringify(name.slice(0, 80)));
    throw new FormatError(
      `no PyTorch checkpoint: the archive has ${pickles.length === 0 ? 'no' : 'more than one'} data.pkl ` +
        `(it holds ${seen.join(', ')}${names.length > 3 ? ', ...' : ''})`,
    );
  }
  return pickle.slice(0, -'data.pkl'.length);
}

function isLittleEndian({ names, read }: ZipArchive, folder: string): boolean {
  const name = `${folder}byteorder`;
  if (!names.includes(name)) return true;
  const order = new TextDecoder().decode(read(name)).trim();
  if (order !== 'little' && order !== 'big')
    throw new FormatError(`entry ${JSON.stringify(name)} says neither "little" nor "big"`);
  return order === 'little';
}

/** Bytes of an error are counted inside the entry, so the entry is named. */
function inEntry<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new FormatError(`entry ${JSON.stringify(name)}: ${error.message}`, {}, { cause: error });
  }
}

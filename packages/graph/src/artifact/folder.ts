import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { FileError, FormatError, readBytes } from '@bidl/formats';
import { z } from 'zod';
import { canonicalJson, type Json, sha256 } from './canonical.js';
import { ArtifactError, GIVE_IT_BACK, RECOMPILE } from './error.js';

const hash = z.string().regex(/^[0-9a-f]{64}$/, { error: 'is no SHA-256 in hex' });

/** What every manifest says, whatever the folder holds; a kind of folder extends it. */
export const folderManifestSchema = z.strictObject({
  format: z.string(),
  version: z.int(),
  /** What made the folder. */
  producer: z.strictObject({ name: z.string(), version: z.string() }),
  /** SHA-256 of the configuration and of the checkpoint that it was made from. */
  config: hash,
  checkpoint: hash,
  /** What it was made for, and how. */
  target: z.strictObject({ name: z.string(), options: z.record(z.string(), z.json()).readonly() }),
  timesteps: z.int().min(1),
  /** Every other file of the folder. */
  files: z.record(z.string(), z.strictObject({ bytes: z.int().min(0), sha256: hash })).readonly(),
  /** SHA-256 of this manifest without this field, in its one canonical form. */
  hash,
});

export interface FolderManifest extends Readonly<Omit<z.infer<typeof folderManifestSchema>, 'target'>> {
  readonly target: { readonly name: string; readonly options: Readonly<Record<string, Json>> };
}

/** A kind of folder: how its manifest is called and what is in it. */
export interface FolderKind<M extends FolderManifest> {
  /** File name of the manifest. */
  readonly manifest: string;
  readonly format: string;
  readonly version: number;
  readonly schema: z.ZodType<M>;
  /** What is wrong with the list of files that a manifest names, if anything. Nothing is read before that. */
  readonly listProblem: (
    listed: readonly string[],
  ) => { readonly file: string; readonly what: string } | undefined;
}

/** A folder's bytes: what the manifest says, and every file that it names. */
export interface FolderContents<M> {
  readonly manifest: M;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

const MOST_BYTES = 2 ** 24;

/** The files with their manifest, which carries the checksum of each and its own. */
export function sealFolder<M extends FolderManifest>(
  kind: FolderKind<M>,
  about: Omit<M, 'format' | 'version' | 'files' | 'hash'>,
  files: ReadonlyMap<string, Uint8Array>,
): Map<string, Uint8Array> {
  const rest = {
    ...about,
    format: kind.format,
    version: kind.version,
    files: Object.fromEntries(
      [...files].map(([path, bytes]) => [path, { bytes: bytes.length, sha256: sha256(bytes) }]),
    ),
  };
  const sealed = canonicalJson({ ...rest, hash: sha256(canonicalJson(rest)) });
  return new Map([...files, [kind.manifest, new TextEncoder().encode(sealed)]]);
}

/**
 * Reads a sealed folder and verifies all of it: the manifest's own hash, the checksum of every file, and that none is
 * missing or foreign.
 *
 * @throws ArtifactError that names the file at fault and the remedy
 */
export function readFolder<M extends FolderManifest>(folder: string, kind: FolderKind<M>): FolderContents<M> {
  const manifest = readManifest(folder, kind);
  const listed = Object.keys(manifest.files);
  const problem = kind.listProblem(listed);
  if (problem) throw new ArtifactError({ folder, file: problem.file }, problem.what, RECOMPILE);
  const known = new Set([...listed, kind.manifest]);
  const [foreign] = strangers(folder, '', known);
  if (foreign !== undefined) {
    throw new ArtifactError(
      { folder, file: foreign },
      'does not belong to the artifact',
      `remove it, or ${RECOMPILE}`,
    );
  }
  const files = new Map(
    Object.entries(manifest.files).map(([file, { bytes, sha256: expected }]) => {
      const content = readFile(folder, file, bytes);
      const wrong =
        content.length !== bytes
          ? `has ${content.length} bytes instead of ${bytes}`
          : sha256(content) !== expected && 'the checksum differs';
      if (wrong) throw new ArtifactError({ folder, file }, wrong, GIVE_IT_BACK);
      return [file, content];
    }),
  );
  return { manifest, files };
}

function readManifest<M extends FolderManifest>(folder: string, kind: FolderKind<M>): M {
  const place = { folder, file: kind.manifest };
  if (!lstatSync(folder, { throwIfNoEntry: false })) {
    throw new ArtifactError(
      { folder },
      'there is no such artifact',
      'compile it first (bidl compile), or check the path',
    );
  }
  const bytes = readFile(folder, kind.manifest, MOST_BYTES);
  const data = parseJson(bytes);
  const head = z.object({ format: z.string(), version: z.int() }).safeParse(data);
  if (!head.success || head.data.format !== kind.format) {
    throw new ArtifactError(place, 'is no manifest of an artifact that this library compiled', RECOMPILE);
  }
  if (head.data.version !== kind.version) {
    throw new ArtifactError(
      place,
      `the artifact has format version ${head.data.version}, this library reads version ${kind.version}`,
      `${RECOMPILE} with this version, or read it with the one that made it`,
    );
  }
  const parsed = kind.schema.safeParse(data);
  if (!parsed.success) {
    const [{ path, message }] = parsed.error.issues;
    throw new ArtifactError(place, `${path.join('.')} ${message}`, GIVE_IT_BACK);
  }
  const { hash: claimed, ...rest } = parsed.data;
  const sealed = canonicalJson({ ...rest, hash: claimed });
  if (sha256(canonicalJson(rest)) !== claimed || Buffer.compare(bytes, Buffer.from(sealed)) !== 0) {
    throw new ArtifactError(place, 'does not agree with its own hash', GIVE_IT_BACK);
  }
  return parsed.data;
}

/** What JSON bytes hold; undefined where they are none. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

function readFile(folder: string, file: string, maxBytes: number): Uint8Array {
  const place = { folder, file };
  try {
    return readBytes(join(folder, file), { maxBytes });
  } catch (cause) {
    if (cause instanceof FileError && cause.code === 'ENOENT')
      throw new ArtifactError(place, 'is missing', GIVE_IT_BACK, { cause });
    if (cause instanceof FormatError)
      throw new ArtifactError(place, `is larger than ${maxBytes} bytes`, GIVE_IT_BACK, { cause });
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ArtifactError(place, `cannot be read (${reason})`, 'check its permissions', { cause });
  }
}

/** Entries that are neither known files nor folders on the way to one; links and the like are always strange. */
function strangers(folder: string, under: string, known: ReadonlySet<string>): string[] {
  return readdirSync(join(folder, under), { withFileTypes: true }).flatMap((entry) => {
    const path = `${under}${entry.name}`;
    if (entry.isFile()) return known.has(path) ? [] : [path];
    const leads = entry.isDirectory() && [...known].some((file) => file.startsWith(`${path}/`));
    return leads ? strangers(folder, `${path}/`, known) : [path];
  });
}

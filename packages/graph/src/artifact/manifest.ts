import { z } from 'zod';
import { folderManifestSchema, type FolderKind, type FolderManifest } from './folder.js';
import { FILES, MANIFEST, MODEL_FILE } from './layout.js';

export const ARTIFACT_FORMAT = 'bidl-artifact';
/** 2: `apu.json` says in which memory the states lie, and whether their address is fixed. */
export const ARTIFACT_VERSION = 2;

const manifestSchema = folderManifestSchema.extend({
  format: z.literal(ARTIFACT_FORMAT),
  version: z.literal(ARTIFACT_VERSION),
  /** The graph's name. */
  name: z.string().min(1),
  /** Samples that run together. */
  batch: z.int().min(1),
});

export interface Manifest extends FolderManifest {
  readonly name: string;
  readonly batch: number;
}

/** The folder of a compiled network. */
export const ARTIFACT: FolderKind<Manifest> = {
  manifest: MANIFEST,
  format: ARTIFACT_FORMAT,
  version: ARTIFACT_VERSION,
  schema: manifestSchema,
  listProblem,
};

/** Every file that an artifact has, one `.mdl`, and no other. */
function listProblem(listed: readonly string[]): { file: string; what: string } | undefined {
  const missing = Object.values(FILES).find((file) => !listed.includes(file));
  if (missing !== undefined) return { file: missing, what: 'is not in the manifest' };
  const models = listed.filter((file) => MODEL_FILE.test(file));
  const known = new Set<string>([...Object.values(FILES), ...models]);
  const odd = listed.find((file) => !known.has(file));
  if (odd !== undefined) return { file: MANIFEST, what: `names "${odd}", which no artifact has` };
  if (models.length === 1) return undefined;
  return { file: MANIFEST, what: `names ${models.length} .mdl files instead of one` };
}

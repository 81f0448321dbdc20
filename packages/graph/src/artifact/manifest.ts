import { z } from 'zod';
import { canonicalJson, type Json, sha256 } from './canonical.js';

export const ARTIFACT_FORMAT = 'bidl-artifact';
export const ARTIFACT_VERSION = 2;

const hash = z.string().regex(/^[0-9a-f]{64}$/, { error: 'is no SHA-256 in hex' });

export const manifestSchema = z.strictObject({
  format: z.literal(ARTIFACT_FORMAT),
  version: z.literal(ARTIFACT_VERSION),
  /** The graph's name. */
  name: z.string().min(1),
  /** What made the artifact. */
  producer: z.strictObject({ name: z.string(), version: z.string() }),
  /** SHA-256 of the configuration and of the checkpoint that it was made from. */
  config: hash,
  checkpoint: hash,
  /** What it was made for, and how. */
  target: z.strictObject({ name: z.string(), options: z.record(z.string(), z.json()).readonly() }),
  timesteps: z.int().min(1),
  /** Samples that run together. */
  batch: z.int().min(1),
  /** Every other file of the folder. */
  files: z.record(z.string(), z.strictObject({ bytes: z.int().min(0), sha256: hash })).readonly(),
  /** SHA-256 of this manifest without this field, in its one canonical form. */
  hash,
});

export interface Manifest extends Readonly<Omit<z.infer<typeof manifestSchema>, 'target'>> {
  readonly target: { readonly name: string; readonly options: Readonly<Record<string, Json>> };
}

/** The hash that the manifest must carry. */
export const manifestHash = (manifest: Omit<Manifest, 'hash'>): string => sha256(canonicalJson(manifest));

/** A manifest with its own hash. */
export const sealManifest = (manifest: Omit<Manifest, 'hash'>): Manifest => ({
  ...manifest,
  hash: manifestHash(manifest),
});

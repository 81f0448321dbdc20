import type { Json } from './canonical.js';
import { ArtifactError, RECOMPILE } from './error.js';
import type { FolderManifest } from './folder.js';
import { MANIFEST } from './layout.js';
import type { Artifact } from './read.js';

/** What an artifact is expected to have been made from; what is left out is not compared. */
export interface ArtifactOrigin {
  /** SHA-256 in hex. */
  readonly config?: string;
  readonly checkpoint?: string;
  readonly timesteps?: number;
  readonly batch?: number;
  /** Options of the target, by the names that the manifest has. */
  readonly options?: Readonly<Record<string, Json | undefined>>;
}

/**
 * Makes sure that an artifact fits what it is to be used with.
 *
 * @param place its folder and manifest, for the message
 * @throws ArtifactError that says what differs
 */
export function matchManifest(
  manifest: FolderManifest & { readonly batch?: number },
  place: { readonly folder: string; readonly file: string },
  { options = {}, ...origin }: ArtifactOrigin,
): void {
  for (const key of ['config', 'checkpoint'] as const) {
    const [want, got] = [origin[key], manifest[key]];
    if (want === undefined || want === got) continue;
    throw new ArtifactError(
      place,
      `was compiled from another ${key} (${got.slice(0, 12)}..., not ${want.slice(0, 12)}...)`,
      `${RECOMPILE} (--use-legacy 0), or give the ${key} that it was made from`,
    );
  }
  const { timesteps, batch } = manifest;
  const made = { timesteps, batch, ...manifest.target.options };
  const wanted = { timesteps: origin.timesteps, batch: origin.batch, ...options };
  for (const [key, want] of Object.entries(wanted)) {
    const got = made[key as keyof typeof made];
    if (want === undefined || want === got) continue;
    throw new ArtifactError(place, `was compiled for ${key} ${String(got)}, not ${String(want)}`, RECOMPILE);
  }
}

/** {@link matchManifest} of an artifact that was read. */
export const matchArtifact = ({ dir, manifest }: Artifact, origin: ArtifactOrigin): void =>
  matchManifest(manifest, { folder: dir, file: MANIFEST }, origin);

import { ArtifactError, RECOMPILE } from './error.js';
import { MANIFEST } from './layout.js';
import type { Artifact } from './read.js';

/** What an artifact is expected to have been made from; what is left out is not compared. */
export interface ArtifactOrigin {
  /** SHA-256 in hex. */
  readonly config?: string;
  readonly checkpoint?: string;
  readonly timesteps?: number;
  readonly batch?: number;
}

/**
 * Makes sure that an artifact fits what it is to be used with.
 *
 * @throws ArtifactError that says what differs
 */
export function matchArtifact(artifact: Artifact, origin: ArtifactOrigin): void {
  const { manifest } = artifact;
  for (const key of ['config', 'checkpoint', 'timesteps', 'batch'] as const) {
    const want = origin[key];
    const got = manifest[key];
    if (want === undefined || want === got) continue;
    const isHash = typeof want === 'string';
    throw new ArtifactError(
      { folder: artifact.dir, file: MANIFEST },
      isHash
        ? `was compiled from another ${key} (${String(got).slice(0, 12)}..., not ${want.slice(0, 12)}...)`
        : `was compiled for ${key} ${got}, not ${want}`,
      isHash ? `${RECOMPILE} (--use-legacy 0), or give the ${key} that it was made from` : RECOMPILE,
    );
  }
}

/** An artifact that cannot be used: damaged, foreign, of another version, or made from something else. */
export class ArtifactError extends Error {
  override readonly name = 'ArtifactError';
  /** The artifact's folder. */
  readonly folder: string;
  /** The file inside it, as the manifest names it, where one is to blame. */
  readonly file: string | undefined;
  /** What to do. */
  readonly remedy: string;

  constructor(
    place: { readonly folder: string; readonly file?: string },
    what: string,
    remedy: string,
    options?: ErrorOptions,
  ) {
    super(
      `${place.file === undefined ? place.folder : `${place.folder}: ${place.file}`}: ${what}; ${remedy}`,
      options,
    );
    this.folder = place.folder;
    this.file = place.file;
    this.remedy = remedy;
  }
}

export const RECOMPILE = 'compile it again (bidl compile)';
export const GIVE_IT_BACK = `the file was changed or damaged after compiling: copy the artifact again, or ${RECOMPILE}`;

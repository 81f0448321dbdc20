/** Where in a file something was found wrong. */
export interface FormatPlace {
  /** The file, when there is one. */
  readonly file?: string;
  /** Offset of the first offending byte. */
  readonly byte?: number;
}

/**
 * The bytes are not what the format promises: truncated, contradictory, or something we refuse to read.
 * The message reads `<file>: byte <n>: <what>`, with the parts that are known.
 */
export class FormatError extends Error {
  override readonly name: string = 'FormatError';
  readonly file: string | undefined;
  readonly byte: number | undefined;
  /** The message without its place, so that a loader can add the file later. */
  readonly what: string;

  constructor(what: string, place: FormatPlace = {}, options?: ErrorOptions) {
    const file = place.file === undefined ? '' : `${place.file}: `;
    const byte = place.byte === undefined ? '' : `byte ${place.byte}: `;
    super(`${file}${byte}${what}`, options);
    this.what = what;
    this.file = place.file;
    this.byte = place.byte;
  }
}

/** Runs a parser and puts the file's name into whatever {@link FormatError} it throws. */
export function namingFile<T>(file: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof FormatError && error.file === undefined) {
      throw new FormatError(error.what, { file, byte: error.byte }, { cause: error });
    }
    throw error;
  }
}

/**
 * The system's or Node's code of an error (`ENOENT`, `ERR_BUFFER_TOO_LARGE`), if it has one. Asks for no class: errors
 * of Node's own may come from another realm.
 */
export function codeOf(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  const message = typeof error === 'object' && error !== null && 'message' in error ? error.message : error;
  return String(message);
}

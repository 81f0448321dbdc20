/** One thing wrong in a config: where it is, and a sentence that starts with that place. */
export interface ConfigIssue {
  /** Path of the value, `data.train.pipeline[2].type`. */
  readonly place: string;
  /** The whole sentence, place and remedy included. */
  readonly message: string;
}

/**
 * A config that can't be used. The message starts with the place of the fault; several faults are listed
 * one per line. Two copies of this package (ESM and CJS) have two classes: ask {@link isConfigError},
 * not `instanceof`.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly place: string;
  readonly issues: readonly ConfigIssue[];

  /** One sentence about `place`. */
  constructor(message: string, place?: string);
  /** Everything that was found, and the file it was found in. */
  constructor(issues: readonly ConfigIssue[], source?: string);
  constructor(what: string | readonly ConfigIssue[], where = '') {
    const single = typeof what === 'string';
    const issues = single ? [{ place: where, message: what }] : what;
    super(summary(issues, single ? '' : where));
    this.issues = issues;
    this.place = issues[0]?.place ?? '';
  }
}

/** Whether `error` is a ConfigError of any copy of this package. */
export function isConfigError(error: unknown): error is ConfigError {
  return error instanceof Error && error.name === 'ConfigError' && 'issues' in error;
}

/** `place.key`, without a leading dot when the place is empty; keys that are no identifiers are quoted. */
export function join(place: string, ...keys: readonly PropertyKey[]): string {
  return keys.reduce<string>((path, key) => {
    if (typeof key === 'number') return `${path}[${key}]`;
    const name = String(key);
    if (!/^[\w$-]+$/.test(name)) return `${path}[${JSON.stringify(name)}]`;
    return path === '' ? name : `${path}.${name}`;
  }, place);
}

/** ` Did you mean "x"?`, or nothing. */
export function didYouMean(name: string | undefined): string {
  return name === undefined ? '' : ` Did you mean ${JSON.stringify(name)}?`;
}

function summary(issues: readonly ConfigIssue[], source: string): string {
  const [first] = issues;
  if (issues.length <= 1) return `${first?.message ?? 'the config is wrong'}${source && ` (in ${source})`}`;
  const head = `${issues.length} problems${source && ` in ${source}`}:`;
  return [head, ...issues.map(({ message }) => `  - ${message}`)].join('\n');
}

import path from 'node:path';

/** Where a command writes. */
export interface Output {
  /** Human text: stdout, or stderr when stdout is kept for JSON. */
  line(text: string): void;
  /** The result as JSON, one line; nothing when JSON was not asked for. */
  json(value: unknown): void;
  readonly wantsJson: boolean;
}

/**
 * With `json`, stdout carries one JSON line and nothing else: what any library prints there goes to stderr.
 */
export function openOutput({ json = false }: { readonly json?: boolean | undefined }): Output {
  if (!json) {
    return {
      wantsJson: false,
      line: (text) => void process.stdout.write(`${text}\n`),
      json: () => undefined,
    };
  }
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = process.stderr.write.bind(process.stderr);
  return {
    wantsJson: true,
    line: (text) => void process.stderr.write(`${text}\n`),
    json: (value) => void write(`${JSON.stringify(value)}\n`),
  };
}

/** A path as one would type it here: relative below the working folder, absolute elsewhere. */
export function shortPath(file: string): string {
  const relative = path.relative(process.cwd(), file);
  return relative.startsWith('..') ? file : relative || '.';
}

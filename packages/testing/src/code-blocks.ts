/** A fenced block of a Markdown page. */
export interface CodeBlock {
  /** What stands behind the fence: `ts`, `sh`. */
  readonly language: string;
  readonly code: string;
}

/** The fenced blocks of a page, in its order: so that a spec can run what a guide tells its reader to. */
export const codeBlocks = (markdown: string): CodeBlock[] =>
  [...markdown.matchAll(/^```(\w*)\n([^]*?)^```$/gm)].map(([, language = '', code = '']) => ({
    language,
    code,
  }));

import ts from 'typescript';

/** What a block of code did. */
export interface BlockRun {
  readonly exported: Readonly<Record<string, unknown>>;
  /** The lines that it printed. */
  readonly printed: readonly string[];
}

/**
 * Runs a block of TypeScript out of a guide as a module of its own.
 *
 * @param require what resolves its imports: the spec's own `require`, so that both see one copy of every package
 */
export async function runBlock(code: string, require: NodeJS.Require): Promise<BlockRun> {
  const { outputText } = ts.transpileModule(code, {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
  });
  const exported = {};
  const printed: string[] = [];
  const body = `return (async () => { ${outputText} })()`;
  const console = { log: (...values: readonly unknown[]) => printed.push(values.map(String).join(' ')) };
  await (new Function('require', 'exports', 'console', body) as (...given: unknown[]) => Promise<void>)(
    require,
    exported,
    console,
  );
  return { exported, printed };
}

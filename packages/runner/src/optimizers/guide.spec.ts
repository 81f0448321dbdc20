import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startEngine, tf } from '@bidl/engine';
import { codeBlocks, repositoryRoot } from '@bidl/testing';
import ts from 'typescript';
import { createOptimizer } from './optimizer.js';

/** docs/guides/add-an-optimizer.md does what it says, block by block. */
const blocks = codeBlocks(readFileSync(join(repositoryRoot(), 'docs/guides/add-an-optimizer.md'), 'utf8'));

/** Runs a block as a module; gives its exports and what it printed. */
async function run(code: string): Promise<{ exported: Record<string, unknown>; printed: string[] }> {
  const { outputText } = ts.transpileModule(code, {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
  });
  const exported = {};
  const printed: string[] = [];
  const body = `return (async () => { ${outputText} })()`;
  const console = { log: (line: string) => printed.push(line) };
  await (new Function('require', 'exports', 'console', body) as (...given: unknown[]) => Promise<void>)(
    require,
    exported,
    console,
  );
  return { exported, printed };
}

it('adds Lion, names it in a config, and takes a step with it', async () => {
  await startEngine();
  const [definition, config, use, ...more] = blocks;
  expect([blocks.map((b) => b.language), more]).toEqual([['ts', 'ts', 'ts'], []]);
  await run(definition!.code);
  const { exported } = await run(config!.code);
  const { optimizer } = exported['training'] as { optimizer: object };
  const weights = ['fc/kernel', 'fc/bias'].map((name) => ({
    name,
    trainable: true,
    variable: tf.variable(tf.ones([2])),
  }));
  expect(createOptimizer(optimizer, weights).groups.map((g) => g.names)).toEqual([
    ['fc/kernel'],
    ['fc/bias'],
  ]);
  const { printed } = await run(use!.code);
  expect(printed).toEqual([/\/\/ (.*)$/m.exec(use!.code.slice(use!.code.indexOf('console.log')))![1]]);
  expect(() => createOptimizer({ type: 'Lion', beta: [0.9, 0.99] }, weights)).toThrow(/Did you mean "betas"/);
});

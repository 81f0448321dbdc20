import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startEngine, tf } from '@bidl/engine';
import { codeBlocks, repositoryRoot, runBlock } from '@bidl/testing';
import { createOptimizer } from './optimizer.js';

/** docs/guides/add-an-optimizer.md does what it says, block by block. */
const blocks = codeBlocks(readFileSync(join(repositoryRoot(), 'docs/guides/add-an-optimizer.md'), 'utf8'));

const run = (code: string) => runBlock(code, require);

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

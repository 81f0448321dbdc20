import { readFileSync } from 'node:fs';
import path from 'node:path';
import { codeBlocks, repositoryRoot, runBlock } from '@bidl/testing';
import { buildClassifier } from './build-classifier.js';

/** The TypeScript blocks of a page of docs/guides. */
const blocksOf = (page: string) =>
  codeBlocks(readFileSync(path.join(repositoryRoot(), 'docs/guides', `${page}.md`), 'utf8')).filter(
    ({ language }) => language === 'ts',
  );

/** Jest's own: a block sees the packages that this spec sees. */
const load: NodeJS.Require = require;

/** What the last `console.log` of a block says that it prints. */
const promised = (code: string): string | undefined => /console\.log\(.*\); \/\/ (.*)$/m.exec(code)?.[1];

/** Every guide does what it says, block by block; a block that imports `./file.js` means the first one. */
test.each([
  ['add-a-neuron', 2],
  ['add-a-backbone', 1],
  ['add-a-neck', 1],
  ['add-a-head', 1],
  ['add-a-loss', 1],
])('%s', async (page, prints) => {
  const blocks = blocksOf(page);
  let defined: Readonly<Record<string, unknown>> = {};
  const resolve = ((id: string) => (id.startsWith('./') ? defined : load(id))) as NodeJS.Require;
  let printed = 0;
  for (const [i, { code }] of blocks.entries()) {
    const run = await runBlock(code, resolve);
    if (i === 0) defined = run.exported;
    const want = promised(code);
    expect([page, i, run.printed]).toEqual([page, i, want === undefined ? [] : [want]]);
    printed += run.printed.length;
  }
  expect(printed).toBe(prints);
});

test('the config of add-a-backbone is one', async () => {
  const config = blocksOf('add-a-backbone')[1];
  const { exported } = await runBlock(config!.code, load);
  const { model } = exported['default'] as { model: object };
  const { nclass } = buildClassifier(model, { inputShape: [2, 8, 8, 1] });
  expect(nclass).toBe(10);
});

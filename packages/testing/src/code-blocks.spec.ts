import { codeBlocks } from './code-blocks.js';

it('finds what stands between fences', () => {
  const page =
    '# Page\n\n```sh\nbidl test\nbidl deploy\n```\n\ntext `code`\n\n```\nplain\n```\n\n```ts\n```\n';
  expect(codeBlocks(page)).toEqual([
    { language: 'sh', code: 'bidl test\nbidl deploy\n' },
    { language: '', code: 'plain\n' },
    { language: 'ts', code: '' },
  ]);
  expect(codeBlocks('no block')).toEqual([]);
});

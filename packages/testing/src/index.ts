export { codeBlocks, type CodeBlock } from './code-blocks.js';
export { runBlock, type BlockRun } from './run-block.js';
export { expectClose, type Tolerance } from './close.js';
export { type Golden, type GoldenJson, golden, goldenCases, goldenFile } from './golden.js';
export { channelsFirst, channelsLast, oihwToHwio, oiToIo } from './layout.js';
export { type RecipeKind, recipe, recipeValues } from './recipe.js';
export { repositoryRoot } from './root.js';
export { transpose } from '@bidl/formats';

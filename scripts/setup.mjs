/**
 * Makes a fresh clone ready: `npm run setup`. Needs Node.js alone to start; says each step and how long it takes; does only
 * what is missing, so running it again costs a moment. `npm start` and `npm test` begin with it.
 */
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildPackages } from './lib/build.mjs';
import { installDependencies } from './lib/dependencies.mjs';
import { installEngine } from './lib/engine.mjs';
import { StepError, Steps } from './lib/steps.mjs';

export async function setup({ skipNxCache = false } = {}) {
  const steps = new Steps();
  await steps.run('Node.js', checkNode);
  await steps.run('dependencies', installDependencies);
  await steps.run('build', (announce) => buildPackages(announce, { skipNxCache }));
  await steps.run('engine', installEngine);
  steps.finish();
}

async function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return false;
  throw new StepError(
    `This is Node.js ${process.versions.node}; 20.19 or newer is needed.`,
    'install it from https://nodejs.org or with nvm, and run this again.',
  );
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await setup({ skipNxCache: process.argv.includes('--skip-nx-cache') });
}

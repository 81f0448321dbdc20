/**
 * `npm test`: set-up, then every project's tests, two projects at a time, then the benchmarks' budget (is what is fused
 * still that much faster?), alone, because it is measured. Arguments go to nx (`-- --skip-nx-cache`,
 * `-- --projects=@bidl/formats`). The last line is the sum of jest's own results: `N passed, N failed`.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { nx, nxEnvironment, root, show } from './lib/run.mjs';
import { removeResults, resultFiles, sumResults } from './lib/results.mjs';
import { setup } from './setup.mjs';

const args = process.argv.slice(2);
await setup({ skipNxCache: args.includes('--skip-nx-cache') });
removeResults();
// The set-up has just built everything, so nx need not look at that again.
const flags = ['--parallel=2', '--output-style=static', '--exclude-task-dependencies', '--nx-bail=false'];
const code = await show(process.execPath, [nx, 'run-many', '-t', 'test', ...flags, ...args], {
  env: nxEnvironment,
});
// With only some projects chosen, the others have no results to miss.
const chosen = args.some((arg) => /^(--projects|-p$|-p=|--exclude)/.test(arg));
const sum = sumResults(resultFiles().filter(({ file }) => !chosen || existsSync(file)));
if (code !== 0 && sum.failed === 0) {
  sum.failed = 1;
  sum.problems.push('nx stopped before the tests could tell why: see above');
}
if (!chosen) {
  const held = (await show(process.execPath, [join(root, 'benchmarks/run.mjs'), 'budget'])) === 0;
  sum[held ? 'passed' : 'failed']++;
  if (!held) sum.problems.push('benchmarks/budget.json: a ratio is below its budget, see above');
}
for (const problem of sum.problems) console.log(problem);
process.exitCode = sum.failed > 0 ? 1 : 0;
console.log(`${sum.passed} passed, ${sum.failed} failed`);

import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolders } from './build.mjs';
import { root } from './run.mjs';

/** Where each project's jest leaves its results, by project folder: projects that have a test script. */
export function resultFiles() {
  return projectFolders()
    .filter(
      (folder) =>
        JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')).scripts?.test !== undefined,
    )
    .map((folder) => ({ folder, file: join(root, folder, '.test-results.json') }));
}

export function removeResults() {
  for (const { file } of resultFiles()) rmSync(file, { force: true });
}

/**
 * Sums jest's own results over all projects. A spec file that could not even be run, and a project without results, count
 * as one failure each: silence is never a pass.
 */
export function sumResults(files = resultFiles()) {
  const sum = { passed: 0, failed: 0, problems: [] };
  for (const { folder, file } of files) {
    const result = read(file);
    if (result === undefined) {
      sum.failed++;
      sum.problems.push(`${folder}: no results (its tests did not run to the end)`);
      continue;
    }
    sum.passed += result.numPassedTests;
    sum.failed += result.numFailedTests + result.numRuntimeErrorTestSuites;
    for (const suite of result.testResults) {
      if (suite.status === 'failed') sum.problems.push(`${folder}: ${suite.name.slice(root.length)}`);
    }
  }
  return sum;
}

function read(file) {
  try {
    return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
  } catch {
    return undefined;
  }
}

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { capture, npm, root, tail } from './run.mjs';
import { StepError } from './steps.mjs';

/** Installs the dependencies of the lock file, unless node_modules holds just those. Scripts of packages do not run. */
export async function installDependencies(announce) {
  const reason = outdated();
  if (reason === undefined) return false;
  announce(`npm ci --ignore-scripts (${reason})`);
  const [command, ...args] = npm();
  const { code, output } = await capture(command, [
    ...args,
    'ci',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ]);
  if (code === null)
    throw new StepError(output, 'install npm, which comes with Node.js, and run this again.');
  if (code !== 0) throw new StepError(`npm ci stopped:\n${tail(output)}`, remedyFor(output));
  return true;
}

function remedyFor(output) {
  if (/EUSAGE/.test(output))
    return 'package.json and package-lock.json contradict each other: run npm install --ignore-scripts, and this again.';
  if (/ENOSPC/.test(output)) return 'free some disk space, and run this again.';
  if (/ENOTFOUND|EAI_AGAIN|ECONN|ETIMEDOUT|network/i.test(output))
    return 'check the network (npm config get registry, proxy), and run this again.';
  return 'mend what npm complains about, and run this again.';
}

/** Why node_modules is not what package-lock.json says; `undefined` when it is. */
function outdated() {
  const wanted = packages('package-lock.json');
  const found = packages('node_modules/.package-lock.json');
  if (wanted === undefined)
    throw new StepError('package-lock.json cannot be read.', 'git checkout package-lock.json');
  if (found === undefined) return 'node_modules is not there';
  for (const [path, entry] of Object.entries(wanted)) {
    if (!path.startsWith('node_modules/') && !path.includes('/node_modules/')) continue;
    const name = path.split('node_modules/').at(-1);
    const installed = found[path];
    if (installed === undefined) {
      if (entry.optional || entry.devOptional || entry.peer) continue; // for other platforms
      return `${name} is missing`;
    }
    if (installed.version !== entry.version || installed.integrity !== entry.integrity)
      return `${name} has changed`;
    if (!existsSync(join(root, path))) return `${name} is missing`;
  }
  return undefined;
}

function packages(file) {
  try {
    return JSON.parse(readFileSync(join(root, file), 'utf8')).packages;
  } catch {
    return undefined;
  }
}

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { capture, nx, nxEnvironment, root, tail } from './run.mjs';
import { StepError } from './steps.mjs';

const SKIPPED = new Set(['node_modules', 'dist', 'coverage']);
const SHARED = ['package-lock.json', 'tsup.base.ts', 'tsconfig.base.json', 'tsconfig.json'];
const STAMP = join(root, '.bidl', 'build.json');

/** Builds every package, unless the sources are those of the last build. `skipNxCache` builds in any case. */
export async function buildPackages(announce, { skipNxCache = false } = {}) {
  const projects = projectFolders();
  const sources = hashSources(projects);
  const complete = projects.every((folder) => existsSync(join(root, folder, 'dist')));
  if (!skipNxCache && complete && readStamp() === sources) return false;
  announce(`${projects.length} packages`);
  const flags = ['--output-style=static', ...(skipNxCache ? ['--skip-nx-cache'] : [])];
  const { code, output } = await capture(process.execPath, [nx, 'run-many', '-t', 'build', ...flags], {
    env: nxEnvironment,
  });
  if (code !== 0) {
    throw new StepError(
      `nx run-many -t build stopped:\n${tail(output, 60)}`,
      'mend the sources that it names, and run this again.',
    );
  }
  mkdirSync(join(root, '.bidl'), { recursive: true });
  writeFileSync(STAMP, JSON.stringify({ sources }));
  return true;
}

/** Folders of the workspace's projects, relative to the root. */
export function projectFolders() {
  return ['packages', 'apps'].flatMap((group) =>
    readdirSync(join(root, group))
      .map((name) => join(group, name))
      .filter((folder) => existsSync(join(root, folder, 'package.json'))),
  );
}

function readStamp() {
  try {
    return JSON.parse(readFileSync(STAMP, 'utf8')).sources;
  } catch {
    return undefined;
  }
}

/** Content of everything that a build reads. */
function hashSources(folders) {
  const hash = createHash('sha256');
  for (const file of [...SHARED, ...folders.flatMap(sourceFiles)])
    hash
      .update(file)
      .update('\0')
      .update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

function sourceFiles(folder) {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : sourceFiles(path);
      return entry.isFile() && !/\.spec\.ts$|\.md$|^\./.test(entry.name) ? [path] : [];
    });
}

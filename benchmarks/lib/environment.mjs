// The Python environment of the peers: made once from peers/requirements.txt, kept in the user's cache.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheRoot } from '@bidl/engine';
import { capture } from '../../scripts/lib/run.mjs';

const REQUIREMENTS = fileURLToPath(new URL('../peers/requirements.txt', import.meta.url));
/** torch comes with CUDA's libraries, which it does not load without a GPU but wants to find. */
const GIGABYTES = 7;

/**
 * Makes the environment when it is not there.
 *
 * @returns path of its Python, and a folder where peers may cache what they compile
 */
export async function peerEnvironment() {
  const key = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 12);
  const folder = join(cacheRoot(), 'peers', key);
  const python = join(folder, 'bin/python');
  const ready = join(folder, 'ready');
  if (!existsSync(ready)) {
    rmSync(folder, { recursive: true, force: true }); // half made
    await mkdir(folder, { recursive: true });
    console.error(`bench: installing the peers into ${folder} (${GIGABYTES} GB, some minutes)`);
    await run(await newPython(), ['-m', 'venv', folder]);
    await run(python, ['-m', 'pip', 'install', '--disable-pip-version-check', '--quiet', '-r', REQUIREMENTS]);
    writeFileSync(ready, '');
  }
  return { python, cache: join(folder, 'compiled') };
}

/** The peers need Python 3.11 or newer. */
async function newPython() {
  const test = 'import sys; sys.exit(sys.version_info < (3, 11))';
  for (const name of ['python3.11', 'python3.12', 'python3.13', 'python3']) {
    if ((await capture(name, ['-c', test])).code === 0) return name;
  }
  throw new Error('the peers need Python 3.11 or newer with venv: install it, so that python3 finds it');
}

function run(command, args) {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    child.on('error', fail);
    child.on('close', (code) =>
      code === 0 ? done() : fail(new Error(`${command} ${args.join(' ')} failed`)),
    );
  });
}

import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { EngineInstallError } from './errors.js';
import { findProgram, runProgram, tail } from './spawn.js';

export interface DownloadProgress {
  readonly done: number;
  /** Bytes in all; `undefined` until pip has told. */
  readonly total: number | undefined;
}

const NO_PIP =
  'install Python 3 with pip (Debian, Ubuntu: sudo apt-get install python3 python3-pip; elsewhere: python3 -m ensurepip), and run it again.';

/** The Python that has pip. @throws EngineInstallError when there is none. */
export async function findPip(step: string): Promise<string> {
  const python = findProgram('python3') ?? findProgram('python');
  if (python === undefined) throw new EngineInstallError(step, 'there is no python3 on PATH', NO_PIP);
  const version = await runProgram(python, ['-m', 'pip', '--version']);
  if (version.code !== 0)
    throw new EngineInstallError(step, `${python} has no pip (${tail(version.stderr, 1)})`, NO_PIP);
  return python;
}

/**
 * Downloads wheels (never source, never dependencies, whatever the local Python's version) into `<aside>/wheel`.
 * pip works inside `aside`, so that its growing files tell how far it is and a killed download leaves nothing elsewhere.
 *
 * @returns paths of the wheels
 * @throws EngineInstallError
 */
export async function downloadWheels(
  args: {
    step: string;
    requirements: readonly string[];
    platforms: readonly string[];
    aside: string;
    python: string;
  },
  onProgress: (progress: DownloadProgress) => void,
): Promise<string[]> {
  const { step, aside } = args;
  const folder = join(aside, 'wheel');
  const temporary = join(aside, 'tmp');
  mkdirSync(folder, { recursive: true });
  mkdirSync(temporary, { recursive: true });
  let total: number | undefined;
  const timer = setInterval(() => onProgress({ done: wheelBytes(aside), total }), 500);
  const options = [
    '--no-deps',
    '--no-cache-dir',
    '--progress-bar',
    'off',
    '--disable-pip-version-check',
    '--no-input',
  ];
  const target = [
    '--only-binary=:all:',
    '--python-version',
    '3.11',
    ...args.platforms.flatMap((name) => ['--platform', name]),
  ];
  const finished = await runProgram(
    args.python,
    ['-m', 'pip', 'download', ...options, ...target, '-d', folder, ...args.requirements],
    {
      env: { ...process.env, TMPDIR: temporary, PIP_REQUIRE_VIRTUALENV: '0' },
      onStdout: (text) => {
        for (const [, number, unit] of text.matchAll(/Downloading \S+\.whl.*?\(([\d.]+) ([kMG]?B)\)/g)) {
          total =
            (total ?? 0) +
            Number(number) * { B: 1, kB: 1e3, MB: 1e6, GB: 1e9 }[unit as 'B' | 'kB' | 'MB' | 'GB'];
        }
      },
    },
  ).finally(() => clearInterval(timer));
  if (finished.code !== 0) throw downloadError(step, finished.stderr);
  const wheels = readdirSync(folder).filter((name) => name.endsWith('.whl'));
  if (wheels.length < args.requirements.length) {
    throw new EngineInstallError(
      step,
      `pip left ${wheels.length} wheels in ${folder}, ${args.requirements.length} were asked for`,
      'run it again; if it stays so, upgrade pip.',
    );
  }
  return wheels.map((name) => join(folder, name));
}

function downloadError(step: string, stderr: string): EngineInstallError {
  const reason = `pip download stopped:\n${tail(stderr)}`;
  if (/No space left/i.test(stderr))
    return new EngineInstallError(
      step,
      reason,
      'free some disk space, or set BIDL_CACHE to a folder on a bigger disk, and run it again.',
    );
  if (/connection|resolve|Network|timed out|ProxyError|SSLError|Could not fetch|Retrying/i.test(stderr)) {
    return new EngineInstallError(
      step,
      reason,
      'check the network (pip honours HTTPS_PROXY, and PIP_INDEX_URL for a mirror), and run it again.',
    );
  }
  if (/No matching distribution|Could not find a version/i.test(stderr)) {
    return new EngineInstallError(
      step,
      reason,
      'the package index in use does not offer this wheel: check the network and PIP_INDEX_URL, or upgrade pip (python3 -m pip install --upgrade pip).',
    );
  }
  return new EngineInstallError(step, reason, 'mend what pip complains about, and run it again.');
}

/** Bytes of wheels so far. pip copies each wheel to its place at the end, so of two with one name the larger counts. */
function wheelBytes(folder: string): number {
  const sizes = new Map<string, number>();
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
      if (!entry.isFile() || !entry.name.includes('.whl')) continue;
      const size = statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0;
      sizes.set(entry.name, Math.max(size, sizes.get(entry.name) ?? 0));
    }
  } catch {
    // pip moves and deletes folders while we look
  }
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

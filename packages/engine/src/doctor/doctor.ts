import { opsPath } from '@bidl/kernels';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { cpuFeatures } from '../backend/cpu-features.js';
import { tensorflowThreads } from '../backend/threads.js';
import { cacheRoot, folderSize, gigabytes } from '../install/cache.js';
import { findCompiler } from '../install/compiler.js';
import { DEVICES, TENSORFLOW_VERSION, type Device, type DeviceSpec } from '../install/device.js';
import { libraryFolder } from '../install/library.js';
import { readManifest, sizeOf, wrongHashes, wrongSizes } from '../install/manifest.js';
import { bindingPath, findPackage, inspectPackage, readRecord } from '../install/record.js';
import { findProgram, runProgram, tail } from '../install/spawn.js';

/** One thing that was looked at. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** What is there. */
  readonly found: string;
  /** What to do; only when something is wrong. */
  readonly remedy?: string;
}

export interface DoctorReport {
  readonly checks: readonly Check[];
  /** The backend that `startEngine()` would use. */
  readonly backend: 'tensorflow' | 'wasm';
  readonly ok: boolean;
  /** The report for people, see {@link formatReport}. */
  toString(): string;
}

export interface DoctorOptions {
  /** @default 'cpu' */
  readonly device?: Device;
  /** @default BIDL_CACHE, else `bidl` in the user's cache folder */
  readonly cacheDir?: string;
  /** Compare the content of every cached file, not only its size (a second or two). @default true */
  readonly hashes?: boolean;
  /** @default the tfjs-node package that this package sees */
  readonly packageFolder?: string;
}

/**
 * Looks at everything that the engine stands on and says what is there, what is missing, and what to do about it.
 * Changes nothing and loads nothing into this process.
 */
export async function doctor(options: DoctorOptions = {}): Promise<DoctorReport> {
  const spec = DEVICES[options.device ?? 'cpu'];
  const install = `bidl engine install${spec.device === 'gpu' ? ' --device gpu' : ''}`;
  const cache = options.cacheDir ?? cacheRoot();
  const packageFolder = options.packageFolder ?? findPackage(spec.npmPackage);
  const engine = await backendCheck(spec, packageFolder, install);
  const library = await libraryCheck(cache, spec, install, options.hashes ?? true);
  const ops = opsCheck(cache, packageFolder, install);
  const checks = [
    nodeCheck(),
    ...(await toolChecks(!(library.ok && ops.ok && engine.ok))),
    packageCheck(spec, packageFolder),
    library,
    bindingCheck(packageFolder, install),
    ops,
    engine,
    {
      name: 'CPU',
      ok: true,
      found: `${process.arch}, ${cpuFeatures().join(' ') || 'no vector instructions known'}`,
    },
    { name: 'threads', ok: true, found: `${tensorflowThreads()} (TF_NUM_INTRAOP_THREADS changes it)` },
    { name: 'cache', ok: true, found: `${cache} (${gigabytes(folderSize(cache))}; BIDL_CACHE moves it)` },
  ];
  const report = {
    checks,
    backend: engine.ok ? 'tensorflow' : 'wasm',
    ok: checks.every(({ ok }) => ok),
  } as const;
  return { ...report, toString: () => formatReport(report) };
}

/** The report for people: one line per check, the remedy under it. */
export function formatReport({ checks, ok }: Pick<DoctorReport, 'checks' | 'ok'>): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.flatMap(({ name, ok: fine, found, remedy }) => [
    `${fine ? 'ok     ' : 'MISSING'}  ${name.padEnd(width)}  ${found}`,
    ...(remedy === undefined ? [] : [`${' '.repeat(width + 11)}-> ${remedy}`]),
  ]);
  return [...lines, ok ? 'Everything is in place.' : 'Something is missing: see the arrows.'].join('\n');
}

function nodeCheck(): Check {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const ok = major > 20 || (major === 20 && minor >= 19);
  return {
    name: 'Node.js',
    ok,
    found: process.versions.node,
    ...(ok ? {} : { remedy: 'install Node.js 20.19 or newer' }),
  };
}

/** Python, pip and the compiler are needed to install, not to run: missing ones matter when something must be made. */
async function toolChecks(needed: boolean): Promise<Check[]> {
  const python = findProgram('python3') ?? findProgram('python');
  const pip = python === undefined ? undefined : await runProgram(python, ['-m', 'pip', '--version']);
  const compiler = findCompiler();
  const version =
    compiler === undefined ? undefined : await runProgram(compiler, ['-dumpfullversion', '-dumpversion']);
  const tool = (name: string, found: string | undefined, remedy: string): Check =>
    found || needed
      ? check(name, found, remedy)
      : { name, ok: true, found: 'not found; only an installation needs it' };
  return [
    tool('python3', python, 'install Python 3 (Debian, Ubuntu: sudo apt-get install python3)'),
    tool(
      'pip',
      pip?.code === 0 ? tail(pip.stdout, 1).replace(/ from .*/, '') : undefined,
      'install pip (Debian, Ubuntu: sudo apt-get install python3-pip; elsewhere: python3 -m ensurepip)',
    ),
    tool(
      'C++ compiler',
      compiler && `${compiler} ${version?.stdout.trim() ?? ''}`.trim(),
      'install a C++ compiler (Debian, Ubuntu: sudo apt-get install g++), or name one in CXX',
    ),
  ];
}

function packageCheck(spec: DeviceSpec, folder: string | undefined): Check {
  return check(
    spec.npmPackage,
    folder && `${versionOf(folder)} in ${folder}`,
    `npm install --ignore-scripts ${spec.npmPackage}@4.22.0`,
  );
}

async function libraryCheck(
  cache: string,
  spec: DeviceSpec,
  install: string,
  hashes: boolean,
): Promise<Check> {
  const name = `TensorFlow (${spec.device})`;
  const folder = libraryFolder(cache, spec);
  const manifest = readManifest(folder);
  if (manifest === undefined) {
    const there = existsSync(folder);
    return {
      name,
      ok: false,
      found: there ? `${folder} has no readable manifest` : `not in ${cache}`,
      remedy: install,
    };
  }
  const sizes = wrongSizes(folder, manifest);
  if (sizes.length > 0) return { name, ok: false, found: `damaged: ${sizes.join('; ')}`, remedy: install };
  const contents = hashes ? await wrongHashes(folder, manifest) : [];
  if (contents.length > 0) {
    return {
      name,
      ok: false,
      found: `damaged: ${contents.join('; ')}`,
      remedy: `rm -r ${folder} && ${install}`,
    };
  }
  return {
    name,
    ok: true,
    found: `${manifest.version} in ${folder}, ${hashes ? 'content' : 'sizes'} checked`,
  };
}

function bindingCheck(packageFolder: string | undefined, install: string): Check {
  const path = packageFolder === undefined ? undefined : bindingPath(packageFolder);
  return check('binding', path !== undefined && existsSync(path) ? path : undefined, install);
}

function opsCheck(cache: string, packageFolder: string | undefined, install: string): Check {
  const record = packageFolder === undefined ? undefined : readRecord(packageFolder);
  const ops = opsPath(cache);
  const size = sizeOf(ops);
  const whole = size !== undefined && (record?.files[ops] ?? size) === size;
  return check('spike ops', whole ? ops : undefined, install);
}

/** Loads the backend in a process of its own and multiplies: what is broken may crash. */
async function backendCheck(
  spec: DeviceSpec,
  packageFolder: string | undefined,
  install: string,
): Promise<Check> {
  const state = inspectPackage(spec.npmPackage, packageFolder);
  const fallback = 'startEngine() uses wasm';
  if (state.state !== 'ready' || packageFolder === undefined) {
    const reason = state.state === 'ready' ? 'no package' : `TensorFlow is ${state.state}: ${state.reason}`;
    return { name: 'backend', ok: false, found: `${fallback}; ${reason}`, remedy: install };
  }
  const script = `const tf = require(${JSON.stringify(packageFolder)});
    if (tf.matMul([[2]], [[3]]).dataSync()[0] !== 6) throw new Error('2 x 3 is not 6 on this backend');
    process.stdout.write(tf.getBackend() + (tf.backend().isUsingGpuDevice ? ' gpu' : ' cpu'));`;
  const tried = await runProgram(process.execPath, ['-e', script], {
    env: { ...process.env, NODE_OPTIONS: '', TF_CPP_MIN_LOG_LEVEL: '2' },
  });
  if (tried.code !== 0)
    return {
      name: 'backend',
      ok: false,
      found: `${fallback}; TensorFlow cannot be loaded: ${tail(tried.stderr, 3)}`,
      remedy: install,
    };
  const onGpu = tried.stdout.endsWith('gpu');
  if (spec.device === 'gpu' && !onGpu) {
    return {
      name: 'backend',
      ok: false,
      found: `${tried.stdout}: TensorFlow runs, but sees no GPU`,
      remedy: 'see that nvidia-smi shows the GPU and that its driver serves CUDA 12',
    };
  }
  return { name: 'backend', ok: true, found: `${tried.stdout}, TensorFlow ${TENSORFLOW_VERSION}` };
}

function check(name: string, found: string | undefined, remedy: string): Check {
  return found ? { name, ok: true, found } : { name, ok: false, found: 'not found', remedy };
}

function versionOf(folder: string): string {
  try {
    return (createRequire(import.meta.url)(join(folder, 'package.json')) as { version: string }).version;
  } catch {
    return 'unknown version';
  }
}

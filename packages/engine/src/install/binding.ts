import { createHash } from 'node:crypto';
import {
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { compileShared, nodeApiHeaders } from './compiler.js';
import { TENSORFLOW_VERSION } from './device.js';
import { EngineInstallError } from './errors.js';
import { seconds, type Reporter } from './library.js';
import { LOADER_SOURCE } from './loader-source.js';
import { MANIFEST, readManifest, sha256Of, sizeOf, wrongHashes, type Manifest } from './manifest.js';
import { bindingPath } from './record.js';

const BINDING = 'tfjs_binding.node';
const LOADER = 'bidl_loader.node';

/** Links, relative to the tfjs-node package, and what they point to, relative to the library's folder. */
const LINKS: Readonly<Record<string, string>> = {
  'deps/include': 'tensorflow/include',
  'deps/lib/libtensorflow.so': 'tensorflow/libtensorflow_cc.so.2',
  'deps/lib/libtensorflow_cc.so.2': 'tensorflow/libtensorflow_cc.so.2',
  'deps/lib/libtensorflow_framework.so': 'tensorflow/libtensorflow_framework.so.2',
  'deps/lib/libtensorflow_framework.so.2': 'tensorflow/libtensorflow_framework.so.2',
};

/** Points `deps/` of a tfjs-node package at the library. Returns whether anything had to be changed. */
export function linkLibrary(packageFolder: string, library: string): boolean {
  let changed = false;
  for (const [name, target] of Object.entries(LINKS)) {
    const path = join(packageFolder, name);
    const wanted = join(library, target);
    if (linkTarget(path) === wanted) continue;
    mkdirSync(dirname(path), { recursive: true });
    rmSync(path, { recursive: true, force: true });
    symlinkSync(wanted, path);
    changed = true;
  }
  return changed;
}

function linkTarget(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined;
  } catch {
    return undefined;
  }
}

/** Paths of the two addons in a tfjs-node package. */
export function addonPaths(packageFolder: string): { binding: string; loader: string } {
  const binding = bindingPath(packageFolder);
  return { binding, loader: join(dirname(binding), LOADER) };
}

/** Whether the addons in the package are byte for byte those of the cache folder. */
export async function hasAddons(packageFolder: string, folder: string): Promise<boolean> {
  const manifest = readManifest(folder);
  if (manifest === undefined) return false;
  const { binding, loader } = addonPaths(packageFolder);
  for (const [path, name] of [
    [binding, BINDING],
    [loader, LOADER],
  ] as const) {
    const wanted = manifest.files[name];
    if (wanted === undefined || sizeOf(path) !== wanted.size || (await sha256Of(path)) !== wanted.sha256)
      return false;
  }
  return true;
}

/** Where the compiled addons for this package lie in the cache: named by everything that goes into them. */
export function addonFolder(cache: string, packageFolder: string): string {
  const hash = createHash('sha256');
  const sources = join(packageFolder, 'binding');
  for (const name of readdirSync(sources).sort()) hash.update(name).update(readFileSync(join(sources, name)));
  hash
    .update(LOADER_SOURCE)
    .update(TENSORFLOW_VERSION)
    .update(process.platform + process.arch)
    .update(dirname(bindingPath(packageFolder)).split('-v').at(-1) ?? '');
  return join(cache, 'binding', hash.digest('hex').slice(0, 24));
}

/**
 * Compiles tfjs-node's own binding against the linked library, straight with the C++ compiler: no node-gyp, no copy of
 * Node's headers. The result goes to the cache; checkouts with the same sources take it from there.
 *
 * @throws EngineInstallError
 */
export async function buildAddons(cache: string, packageFolder: string, reporter: Reporter): Promise<void> {
  const step = 'compile the TensorFlow binding';
  const folder = addonFolder(cache, packageFolder);
  const manifest = readManifest(folder);
  if (manifest !== undefined && (await wrongHashes(folder, manifest)).length === 0) return;
  const begin = performance.now();
  const aside = join(cache, 'tmp', `binding-${process.pid}`);
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(aside, { recursive: true });
  try {
    const headers = ['-I', nodeApiHeaders()];
    const napi = /napi-v(\d+)/.exec(bindingPath(packageFolder))?.[1] ?? '8';
    const sources = join(packageFolder, 'binding');
    await compileShared(step, {
      sources: readdirSync(sources)
        .filter((name) => name.endsWith('.cc'))
        .map((name) => join(sources, name)),
      flags: [
        `-DNAPI_VERSION=${napi}`,
        '-DNODE_GYP_MODULE_NAME=tfjs_binding',
        '-I',
        sources,
        '-I',
        dirname(packageFolder),
        '-I',
        join(packageFolder, 'deps', 'include'),
        ...headers,
      ],
      libraries: [
        '-L',
        join(packageFolder, 'deps', 'lib'),
        '-ltensorflow',
        '-ltensorflow_framework',
        '-Wl,-rpath,$ORIGIN/../../deps/lib',
      ],
      output: join(aside, BINDING),
    });
    writeFileSync(join(aside, 'loader.cc'), LOADER_SOURCE);
    await compileShared(step, {
      sources: [join(aside, 'loader.cc')],
      flags: headers,
      libraries: ['-ldl'],
      output: join(aside, LOADER),
    });
    rmSync(join(aside, 'loader.cc'));
    const files: Manifest['files'] = {
      [BINDING]: await describe(join(aside, BINDING)),
      [LOADER]: await describe(join(aside, LOADER)),
    };
    writeFileSync(
      join(aside, MANIFEST),
      JSON.stringify({ what: 'binding', version: TENSORFLOW_VERSION, files } satisfies Manifest),
    );
    mkdirSync(dirname(folder), { recursive: true });
    rmSync(folder, { recursive: true, force: true });
    renameSync(aside, folder);
    reporter.log(`${step}: ${seconds(begin)}`);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

/** Copies the compiled addons from the cache into the package. */
export function placeAddons(cache: string, packageFolder: string): void {
  const folder = addonFolder(cache, packageFolder);
  const { binding, loader } = addonPaths(packageFolder);
  try {
    mkdirSync(dirname(binding), { recursive: true });
    for (const [path, name] of [
      [binding, BINDING],
      [loader, LOADER],
    ] as const) {
      // Aside and renamed: a process that has the old addon mapped keeps it whole.
      copyFileSync(join(folder, name), `${path}.new`);
      renameSync(`${path}.new`, path);
    }
  } catch (error) {
    throw new EngineInstallError(
      'put the binding in place',
      (error as Error).message,
      'see that node_modules can be written to, and run it again.',
    );
  }
}

async function describe(path: string): Promise<{ size: number; sha256: string }> {
  return { size: sizeOf(path) ?? 0, sha256: await sha256Of(path) };
}

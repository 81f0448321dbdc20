import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Device } from './device.js';
import { sizeOf } from './manifest.js';

/** What the installer leaves in `<tfjs-node>/deps/bidl.json`, so that a start can check it without looking for it. */
export interface InstallRecord {
  readonly device: Device;
  readonly tensorflow: { readonly version: string; readonly folder: string };
  /** Files that must be there with this very size, by absolute path. */
  readonly files: Readonly<Record<string, number>>;
  /** The addon that is loaded first, and what it loads. */
  readonly loader: string;
  readonly framework: string;
  readonly preload: readonly string[];
  /** bidl's op library, or `null` when it could not be built. */
  readonly ops: string | null;
}

/** What stands under a tfjs-node package. */
export type InstallState =
  | { readonly state: 'ready'; readonly record: InstallRecord | undefined }
  | { readonly state: 'missing' | 'damaged'; readonly reason: string };

/** Path of the record in a tfjs-node package. */
export function recordPath(packageFolder: string): string {
  return join(packageFolder, 'deps', 'bidl.json');
}

/** Folder of an npm package as seen from here, else from the current folder; `undefined` when it is not installed. */
export function findPackage(name: string): string | undefined {
  for (const from of [import.meta.url, join(process.cwd(), 'package.json')]) {
    try {
      return dirname(createRequire(from).resolve(`${name}/package.json`));
    } catch {
      // not visible from there
    }
  }
  return undefined;
}

/** The folder under `lib/` that tfjs-node looks for its binding in: its highest Node-API version that this Node has. */
export function bindingPath(packageFolder: string, napi: string = process.versions['napi'] ?? '8'): string {
  const manifest = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as {
    binary?: { napi_versions?: number[] };
  };
  const usable = (manifest.binary?.napi_versions ?? [8]).filter((version) => version <= Number(napi));
  return join(packageFolder, 'lib', `napi-v${Math.max(...usable)}`, 'tfjs_binding.node');
}

/** Whether TensorFlow under this package can be loaded, judged by a few `stat` calls: cheap enough for every start. */
export function inspectPackage(
  name: string,
  packageFolder: string | undefined = findPackage(name),
): InstallState {
  if (packageFolder === undefined)
    return { state: 'missing', reason: `the npm package ${name} is not installed` };
  const record = readRecord(packageFolder);
  if (record === undefined) {
    if (!existsSync(bindingPath(packageFolder)))
      return { state: 'missing', reason: `${name} has not been completed with TensorFlow` };
    if (!existsSync(join(packageFolder, 'deps', 'lib')))
      return { state: 'missing', reason: `${name} has no TensorFlow library` };
    return { state: 'ready', record: undefined };
  }
  for (const [path, size] of Object.entries(record.files)) {
    const found = sizeOf(path);
    if (found === undefined) return { state: 'damaged', reason: `${path} is gone` };
    if (found !== size) return { state: 'damaged', reason: `${path} has ${found} bytes instead of ${size}` };
  }
  return { state: 'ready', record };
}

export function readRecord(packageFolder: string): InstallRecord | undefined {
  try {
    return JSON.parse(readFileSync(recordPath(packageFolder), 'utf8')) as InstallRecord;
  } catch {
    return undefined;
  }
}

import { strToU8, zipSync } from 'fflate';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FRAMEWORK_LIBRARY, MAIN_LIBRARY } from './library.js';

/** A folder with a tiny "TensorFlow" wheel, a fake python3 that hands it out, and tfjs-node packages to complete. */
export interface Workshop {
  readonly root: string;
  readonly wheel: string;
  /** PATH with the fake python3 in front. */
  readonly path: string;
  /** How often pip was asked to download. */
  downloads(): number;
  /** What the fake pip does: hand out the wheel, or fail with these words. */
  pipFails(stderr: string | undefined): void;
  /** A new, incomplete tfjs-node package. */
  checkout(name: string): string;
}

/** For specs: everything that an installation needs, so small that it takes a second. Needs g++, as the installer does. */
export function workshop(): Workshop {
  const root = mkdtempSync(join(tmpdir(), 'bidl-install-'));
  const wheel = join(root, 'tensorflow_cpu-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl');
  writeFileSync(wheel, makeWheel(root));
  const bin = join(root, 'bin');
  mkdirSync(bin);
  const calls = join(root, 'downloads');
  const failure = join(root, 'failure');
  writeFileSync(join(bin, 'python3'), fakePython(calls, failure, wheel));
  chmodSync(join(bin, 'python3'), 0o755);
  return {
    root,
    wheel,
    path: `${bin}:${process.env['PATH'] ?? ''}`,
    downloads: () => (existsSync(calls) ? readFileSync(calls, 'utf8').length : 0),
    pipFails: (stderr) => writeFileSync(failure, stderr ?? ''),
    checkout: (name) => makePackage(join(root, name, 'node_modules', '@tensorflow', 'tfjs-node')),
  };
}

function makeWheel(root: string): Uint8Array {
  const source = join(root, 'library.cc');
  const built: Record<string, Uint8Array> = {};
  for (const [name, code] of [
    [FRAMEWORK_LIBRARY, 'extern "C" int framework() { return 1; }'],
    [MAIN_LIBRARY, 'extern "C" const char* TF_Version() { return "tiny"; }'],
  ] as const) {
    const output = join(root, name.replace('tensorflow/', ''));
    writeFileSync(source, code);
    execFileSync('g++', [
      '-shared',
      '-fPIC',
      source,
      '-o',
      output,
      `-Wl,-soname,${name.replace('tensorflow/', '')}`,
    ]);
    built[name] = readFileSync(output);
  }
  return zipSync({
    ...built,
    'tensorflow/include/tensorflow/c/c_api.h': strToU8('extern "C" const char* TF_Version();\n'),
    'tensorflow/python/unwanted.py': strToU8('print("not unpacked")\n'),
    'tensorflow/include/tensorflow/c/../../../../../escape.h': strToU8('not unpacked either'),
  });
}

const fakePython = (calls: string, failure: string, wheel: string) => `#!/bin/sh
if [ "$3" = --version ]; then echo "pip 99.0 from somewhere (python 3.11)"; exit 0; fi
printf x >> '${calls}'
if [ -s '${failure}' ]; then cat '${failure}' >&2; exit 1; fi
while [ "$1" != -d ]; do shift; done
echo "Downloading tiny.whl (0.1 MB)"
sleep 0.2
cp '${wheel}' "$2"
`;

function makePackage(folder: string): string {
  mkdirSync(join(folder, 'binding'), { recursive: true });
  const manifest = { name: '@tensorflow/tfjs-node', version: '0.0.0', binary: { napi_versions: [3, 8] } };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  writeFileSync(
    join(folder, 'binding', 'binding.cc'),
    `#include <node_api.h>
#include "tensorflow/c/c_api.h"
static napi_value init(napi_env env, napi_value exports) {
  napi_value version;
  napi_create_string_utf8(env, TF_Version(), NAPI_AUTO_LENGTH, &version);
  napi_set_named_property(env, exports, "version", version);
  return exports;
}
NAPI_MODULE(tiny, init)
`,
  );
  return folder;
}

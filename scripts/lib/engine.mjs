import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { root } from './run.mjs';
import { print } from './steps.mjs';

/** Puts TensorFlow under TensorFlow.js, out of the cache that all checkouts share. */
export async function installEngine(announce) {
  if (process.platform !== 'linux') return false; // bidl runs on WebAssembly there
  const engine = await import(pathToFileURL(join(root, 'packages/engine/dist/install/index.js')).href);
  let announced = false;
  const log = (line) => {
    clear();
    if (!announced) announce('TensorFlow');
    announced = true;
    print(`    ${line}`);
  };
  const { changed } = await engine.installEngine({
    log,
    ...(process.stderr.isTTY ? { progress: redraw } : {}),
  });
  clear();
  if (changed && !announced) announce('TensorFlow out of the cache');
  return changed;
}

function redraw({ done, total }) {
  const share = total === undefined ? '' : `${Math.min(100, Math.round((done / total) * 100))} % `;
  const of = total === undefined ? '' : ` of ${Math.round(total / 1e6)}`;
  process.stderr.write(`\r\x1b[K    download ${share}(${Math.round(done / 1e6)}${of} MB)`);
}

function clear() {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
}

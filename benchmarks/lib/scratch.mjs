import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let folder;

/** A path in a folder that goes away with this process: how arrays reach a peer and come back. */
export function scratchFile(name) {
  if (folder === undefined) {
    folder = mkdtempSync(join(tmpdir(), 'bidl-bench-'));
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  }
  return join(folder, name);
}

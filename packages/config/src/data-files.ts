import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';

import type { RunConfig } from './schema.js';

/** A part of the data that is not on the disk. */
export interface MissingData {
  readonly split: 'train' | 'val' | 'test';
  readonly type: string;
  readonly data_prefix: string;
}

/**
 * The splits whose `data_prefix` leads to nothing: neither a folder or file of that name, nor a file that starts
 * with it (`train` for `train.pkl`). How to get the data is for the data set to say.
 */
export function missingData(
  config: RunConfig,
  splits: readonly MissingData['split'][],
  cwd = process.cwd(),
): MissingData[] {
  return splits.flatMap((split) => {
    const set = config.data[split];
    if (!set || exists(path.resolve(cwd, set.data_prefix))) return [];
    return [{ split, type: set.type, data_prefix: set.data_prefix }];
  });
}

function exists(prefix: string): boolean {
  if (existsSync(prefix)) return true;
  const folder = path.dirname(prefix);
  return existsSync(folder) && readdirSync(folder).some((name) => name.startsWith(path.basename(prefix)));
}

import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { repositoryRoot } from '@bidl/testing';

/**
 * A user's own TypeScript module, outside of the repository: a data set `Counting` of clips [2, 2, 2, 1] that
 * hold the sample's number plus noise, and can be told to fail.
 */
const SOURCE = `
import { BaseDataset, registerDataset, type DatasetArgs } from '@bidl/datasets';
import { ndarray } from '@bidl/formats';
import { PipelineError, transforms, type Sample } from '@bidl/pipelines';
import { z } from 'zod';

const extra = {
  count: z.int().default(10),
  fail: z.int().optional(),
  exit: z.int().optional(),
  odd: z.int().optional(),
  bytes: z.boolean().default(false),
};
type Args = DatasetArgs & { count: number; fail?: number; exit?: number; odd?: number; bytes: boolean };

class Counting extends BaseDataset {
  static override CLASSES = ['even', 'odd'];
  readonly #args: Args;
  constructor(args: Args) {
    super(args);
    this.#args = args;
  }
  override load_annotations(): Sample[] {
    const { count, bytes, odd, fail, exit } = this.#args;
    return Array.from({ length: count }, (_, i) => ({
      img: ndarray((bytes ? new Uint8Array(8) : new Float32Array(8)).fill(i), i === odd ? [1, 2, 2, 2] : [2, 2, 2, 1]),
      gt_label: BigInt(i % 2),
      file: \`clip-\${i}.bin\`,
      fail: i === fail,
      exit: i === exit,
    }));
  }
}
registerDataset(Counting, extra);

transforms.register({
  type: 'Noise',
  schema: z.strictObject({}),
  build: () => (sample, rng) => {
    if (sample['fail']) throw new PipelineError('Noise failed');
    if (sample['exit']) process.exit(7);
    const img = sample.img as { data: Float32Array; shape: number[] };
    return { ...sample, img: ndarray(img.data.map((value) => value + rng.uniform()), img.shape) };
  },
});
`;

/** Writes the module to a folder of its own that sees the workspace's packages. */
export function userModule(source = SOURCE): { path: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'bidl-user-module-'));
  symlinkSync(join(repositoryRoot(), 'node_modules'), join(folder, 'node_modules'));
  const path = join(folder, 'counting.ts');
  writeFileSync(path, source);
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeEventDigits } from '@bidl/datasets';

export const folder = fileURLToPath(new URL('../../data/event-digits', import.meta.url));

/** Sequences of the benchmarks' network. */
export const STEPS = 20;
export const SIZE = 40;

/** event-digits as the network sees it: T 20, by number of events, padded from 34x34 to 40x40, bytes. */
export const dataset = (split) => ({
  type: 'NMNIST',
  data_prefix: join(folder, split),
  pipeline: [
    { type: 'LoadEvents' },
    { type: 'EventsToFrames', T: STEPS, split_by: 'number', height: 34, width: 34 },
    { type: 'RandomCropVideo', size: SIZE, padding: (SIZE - 34) / 2 },
    { type: 'ToTensor', keys: ['gt_label'] },
    { type: 'Collect', keys: ['img', 'gt_label'] },
  ],
});

/** Makes the data set where it is not there yet. */
export async function ensureDataset() {
  if (existsSync(join(folder, 'event-digits.json'))) return;
  console.error('bench: making event-digits');
  await makeEventDigits(folder);
}

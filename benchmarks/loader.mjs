// N-MNIST files to batches of frames: event-digits' 2,000 test samples, T 10, B 16. Files and libraries are in the caches.
// Then how long a training step waits for its data.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createLoader } from '@bidl/datasets';
import { loadSafetensors } from '@bidl/formats';
import { ensureDataset, folder } from './lib/dataset.mjs';
import { waitForData } from './lib/loader-wait.mjs';
import { openPeers } from './lib/peers.mjs';
import { scratchFile } from './lib/scratch.mjs';

const STEPS = 10;
const BATCH = 16;
const TEST = join(folder, 'Test');

export async function* cases({ peers: wanted }) {
  await ensureDataset();
  for (const workers of [0, 2]) {
    const loader = await open(workers);
    const [tonic] = await openPeers(['tonic-loader'], wanted);
    try {
      const ours = { form: `workers-${workers}`, run: () => pass(loader) };
      const group = { name: 'loader', mode: ours.form, frames: loader.length * STEPS, forms: [ours] };
      if (tonic) await meet(tonic, workers);
      yield tonic ? { ...group, peers: [tonic.form('loader')] } : { ...group, against: ours.form };
    } finally {
      tonic?.close();
      await loader.close();
    }
  }
  yield { lines: [await waitForData()] };
}

const open = (workers) =>
  createLoader({
    dataset: {
      type: 'NMNIST',
      data_prefix: TEST,
      pipeline: [
        { type: 'LoadEvents' },
        { type: 'EventsToFrames', T: STEPS, split_by: 'number', height: 34, width: 34 },
        { type: 'Collect', keys: ['img', 'gt_label'] },
      ],
    },
    batchSize: BATCH,
    workers,
  });

async function pass(loader) {
  for await (const batch of loader.epoch(0)) batch.release();
}

/** Prepares the peer, and looks whether its frames are ours. */
async function meet(tonic, workers) {
  await tonic.ask({ do: 'prepare', case: 'loader', folder: TEST, steps: STEPS, batch: BATCH, workers });
  const saved = scratchFile('frames.safetensors');
  await tonic.ask({ do: 'results', file: saved });
  const { data } = loadSafetensors(saved).tensors.get('frames');
  rmSync(saved);
  const loader = await open(0);
  let at = 0;
  let left = 0;
  for await (const { img, index, release } of loader.epoch(0)) {
    for (const [place, number] of index.entries()) {
      if (number % 10 !== 0) continue;
      const size = img.data.length / index.length;
      const ours = img.data.subarray(place * size, (place + 1) * size);
      left += difference(ours, data.subarray(at, at + size), number);
      at += size;
    }
    release();
  }
  await loader.close();
  if (at !== data.length) throw new Error('bench: ours and tonic have different numbers of samples');
  console.error(`tonic-loader: frames as ours; ${left} of the last frames' events are left out by Tonic`);
}

/** Tonic leaves out the last N mod T events, which upstream and we put into the last frame: no other difference may be. */
function difference(ours, theirs, number) {
  const last = ours.length - ours.length / STEPS;
  let more = 0;
  for (let i = 0; i < ours.length; i++) {
    const apart = ours[i] - theirs[i];
    if (apart < 0 || (apart > 0 && i < last)) {
      throw new Error(`bench: sample ${number}: value ${i} is ${ours[i]}, Tonic's is ${theirs[i]}`);
    }
    more += apart;
  }
  if (more >= STEPS) throw new Error(`bench: sample ${number}: ours has ${more} events more than Tonic's`);
  return more;
}

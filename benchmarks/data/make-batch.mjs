#!/usr/bin/env node
// Made event-digits-b16.npz: 16 test samples of event-digits (`bidl datasets make event-digits`), spread over the classes,
// as frames of T 20, padded from 34x34 to 40x40: img [16, 20, 40, 40, 2] bytes, labels [16].
import { fileURLToPath } from 'node:url';
import { createLoader } from '@bidl/datasets';
import { ndarray, saveFile, writeNpz } from '@bidl/formats';
import { dataset } from '../lib/dataset.mjs';

const B = 16;
const loader = await createLoader({ dataset: dataset('Test'), batchSize: 1, shuffle: true, seed: 20 });
const images = [];
const labels = [];
const wanted = Array.from({ length: B }, (_, i) => i % 10);
for await (const { img, gt_label, release } of loader.epoch(0)) {
  const place = wanted.indexOf(gt_label[0]);
  if (place >= 0) {
    delete wanted[place];
    images[place] = Uint8Array.from(img.data);
    labels[place] = gt_label[0];
  }
  release();
  if (wanted.every((label) => label === undefined)) break;
}
await loader.close();
const bytes = new Uint8Array(images.flatMap((image) => [...image]));
const file = fileURLToPath(new URL('event-digits-b16.npz', import.meta.url));
await saveFile(
  file,
  writeNpz(
    { img: ndarray(bytes, [B, 20, 40, 40, 2]), labels: ndarray(Int32Array.from(labels), [B]) },
    { compress: true },
  ),
);

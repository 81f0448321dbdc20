import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createLoader } from '@bidl/datasets';
import { cacheRoot, frames, tf } from '@bidl/engine';
import { loadSafetensors, saveFile, writeSafetensors } from '@bidl/formats';
import { dataset, ensureDataset, folder } from './dataset.mjs';
import { build, snapshot, trainable } from './network.mjs';

const ITERATIONS = 200;
const BATCH = 16;
const RATE = 0.001;
/** Raise it when the training below changes. */
const VERSION = 1;

/**
 * Weights of the benchmarks' network after 200 iterations of Adam (rate 0.001, B 16) on event-digits, from seed 1. Made
 * once for each mode, data set and recipe, then kept in the user's cache.
 *
 * @returns `file` (safetensors) and the `weights` in it, by name
 */
export async function trained(mode) {
  await ensureDataset();
  const manifest = readFileSync(join(folder, 'event-digits.json'), 'utf8');
  const recipe = JSON.stringify([VERSION, mode, ITERATIONS, BATCH, RATE, JSON.parse(manifest).sha256]);
  const key = createHash('sha256').update(recipe).digest('hex').slice(0, 16);
  const file = join(cacheRoot(), 'bench', `clif3fc3dm-${mode}-${key}.safetensors`);
  if (!existsSync(file)) {
    await mkdir(join(cacheRoot(), 'bench'), { recursive: true });
    await saveFile(file, writeSafetensors(await train(mode)));
  }
  return { file, weights: loadSafetensors(file).tensors };
}

async function train(mode) {
  console.error(`bench: training the ${mode} network for ${ITERATIONS} iterations, once`);
  const classifier = build(mode);
  const variables = trainable(classifier);
  const optimizer = tf.train.adam(RATE);
  const options = { batchSize: BATCH, workers: 1, shuffle: true, seed: 1, dropLast: true };
  const loader = await createLoader({ dataset: dataset('Train'), ...options });
  let done = 0;
  let right = 0;
  for await (const { img, gt_label, release } of loader.epoch(0)) {
    tf.tidy(() => {
      const x = frames(img.data, img.shape);
      const { value, grads } = tf.variableGrads(() => {
        const logits = classifier.forward(x, true);
        if (done >= ITERATIONS - 50) right += classifier.accuracy(logits, gt_label).top1;
        return classifier.loss(logits, gt_label);
      }, variables);
      optimizer.applyGradients(grads);
      value.dataSync();
    });
    release();
    if (++done === ITERATIONS) break;
  }
  await loader.close();
  console.error(`bench: the last 50 batches were ${((100 * right) / (50 * BATCH)).toFixed(0)} % right`);
  const weights = snapshot(classifier);
  optimizer.dispose();
  return weights;
}

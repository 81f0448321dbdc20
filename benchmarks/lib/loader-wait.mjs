// How long a training step of the benchmarks' network waits for its data, with two workers preparing it.
import { createLoader } from '@bidl/datasets';
import { startEngine } from '@bidl/engine';
import { dataset } from './dataset.mjs';
import { build, load, trainable, trainStep } from './network.mjs';
import { trained } from './trained.mjs';

const BATCH = 16;
const WORKERS = 2;
const MODE = 'spike';
const STEPS = 30;
/** Steps before the first one that counts: memory, and the workers' head start. */
const WARM_UP = 5;
const LIMIT = 0.02;

/** Real batches in shuffled order, forward and backward each: the share of the time between asking and getting a batch. */
export async function waitForData() {
  await startEngine({ backend: 'tensorflow' });
  const { weights } = await trained(MODE);
  const classifier = build(MODE);
  load(classifier, weights);
  const variables = trainable(classifier);
  const loader = await createLoader({
    dataset: dataset('Train'),
    batchSize: BATCH,
    workers: WORKERS,
    shuffle: true,
    seed: 1,
    dropLast: true,
  });
  const batches = loader.epoch(0);
  let waited = 0;
  let began = 0;
  for (let step = -WARM_UP; step < STEPS; step++) {
    if (step === 0) began = performance.now();
    const asked = performance.now();
    const { value } = await batches.next();
    if (step >= 0) waited += performance.now() - asked;
    const { img, gt_label, release } = value;
    trainStep(classifier, { img, labels: { data: gt_label } }, variables);
    release();
  }
  const total = performance.now() - began;
  await batches.return();
  await loader.close();
  classifier.dispose();
  const line = {
    name: 'loader-wait',
    mode: MODE,
    step_ms: total / STEPS,
    wait_ms: waited / STEPS,
    share: waited / total,
    limit: LIMIT,
  };
  const text = `${line.name.padEnd(14)} ${MODE.padEnd(7)} step ${line.step_ms.toFixed(1)} ms  waits ${line.wait_ms.toFixed(2)} ms for its data: ${(100 * line.share).toFixed(2)} % (goal ${100 * LIMIT} %)`;
  return { line, text };
}

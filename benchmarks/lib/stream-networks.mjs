// The networks of the stream benchmark: SeqClif3Fc3DmItout at 2x40x40, T 20, with trained weights.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '@bidl/config';
import { buildClassifier } from '@bidl/models';
import { applyWeights, readCheckpoint } from '@bidl/runner';
import { dataset, ensureDataset, SIZE, STEPS } from './dataset.mjs';
import { build, load } from './network.mjs';
import { trained } from './trained.mjs';

const path = (name) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const CONFIG = path('benchmarks/stream/clif3fc3dm_itout-b16x2-20-nmnist.ts');
const WORK = path('work_dirs/stream');

/** The quickstart's network and training, at this size: two epochs, once. Its neurons fire from a potential of 1.0 on. */
async function quickstart() {
  await ensureDataset();
  const checkpoint = `${WORK}/best.safetensors`;
  if (!existsSync(checkpoint)) {
    console.error('stream: training the quickstart at 2x40x40, T 20, once (some ten minutes)');
    await bidl('train', CONFIG, '--work-dir', WORK);
  }
  const { config } = await loadConfig(CONFIG);
  const classifier = buildClassifier(config.model, { inputShape: [STEPS, SIZE, SIZE, 2], seed: 1 });
  applyWeights(classifier, await readCheckpoint(checkpoint));
  const { theta } = config.model.backbone.soma_params;
  return { classifier, test: config.data.test, soma: { theta }, made: relative(process.cwd(), checkpoint) };
}

/** Upstream's default neurons, which fire from 0.5 on, with the weights of the other benchmarks: a short training. */
async function upstream() {
  const { file, weights } = await trained('spike');
  const classifier = build('spike');
  load(classifier, weights);
  return { classifier, test: dataset('Test'), soma: { theta: 0.5 }, made: file };
}

export const networks = { quickstart, upstream };

function bidl(...args) {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [path('apps/cli/bin/bidl.mjs'), ...args], {
      cwd: path(''),
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    child.on('error', fail);
    child.on('close', (code) => (code === 0 ? done() : fail(new Error(`bidl ${args.join(' ')} failed`))));
  });
}

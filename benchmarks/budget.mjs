// The budget: how many times faster the fused form must be than the composed one (budget.json), in a short form without
// peers: small batches, untrained weights, short sequences. A ratio that has lost a quarter fails, and with it `npm test`.
import { readFileSync } from 'node:fs';
import { startEngine } from '@bidl/engine';
import { lifInputs, LifLayer } from './lib/lif-layer.mjs';
import { measureInterleaved } from './lib/measure.mjs';
import { storedBatch } from './lib/network-cases.mjs';
import { build, timed } from './lib/network.mjs';
import { FRAMEWORKS } from './lib/neurons.mjs';

const BATCH = 4;
const STEPS = 100;
const ROUNDS = 4;
/** A machine that does something else beside can spoil a measurement, but not make slow code fast. */
const TRIES = 3;

const { regression, ratios } = JSON.parse(readFileSync(new URL('budget.json', import.meta.url), 'utf8'));

export async function* cases() {
  await startEngine({ backend: 'tensorflow' });
  for (const { name, mode, ratio } of ratios) {
    const forms = /^lif/.test(name) ? lifForms(name) : networkForms(name, mode);
    yield { lines: [await hold({ name, mode, ratio, forms })] };
  }
}

/** The best of some rounds on either side, which other work disturbs least; again when it is not enough. */
async function hold({ name, mode, ratio, forms }) {
  const least = (1 - regression) * ratio;
  let found = 0;
  for (let i = 0; i < TRIES && found < least; i++) {
    const [fused, composed] = await measureInterleaved(forms, ROUNDS);
    found = Math.max(found, composed.best_ms / fused.best_ms);
  }
  const line = { name: 'budget', of: name, mode, ratio: found, budget: ratio, least, ok: found >= least };
  const verdict = line.ok ? 'ok' : 'FAILED: the fused form has become slower, or the composed one faster';
  const text = `budget ${name.padEnd(12)} ${mode.padEnd(7)} fused ${found.toFixed(2)}x composed, at least ${least.toFixed(2)}x: ${verdict}`;
  return { line, text };
}

function networkForms(task, mode) {
  const { img, labels } = storedBatch();
  const size = img.data.length / img.shape[0];
  const batch = {
    img: { data: img.data.slice(0, BATCH * size), shape: [BATCH, ...img.shape.slice(1)] },
    labels: { data: labels.data.slice(0, BATCH) },
  };
  const classifier = build(mode);
  return ['fused', 'composed'].map((form) => timed(task, form, classifier, batch));
}

function lifForms(name) {
  const n = Number(name.split('-').at(-1));
  const layer = new LifLayer(FRAMEWORKS.spikingjelly, lifInputs(n, STEPS, name.startsWith('lif-fc')));
  return ['fused', 'composed'].map((form) => ({ form, run: () => layer.step(form) }));
}

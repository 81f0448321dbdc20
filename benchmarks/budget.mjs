// The budget: how many times faster the fused form must be than the composed one (budget.json), and LIF+ than LIF, in a short
// form without peers: small batches, untrained weights, short sequences. A ratio that has lost a quarter, or is below what it
// must be (`least`), fails, and with it `npm test`.
import { readFileSync } from 'node:fs';
import { startEngine } from '@bidl/engine';
import { lifInputs, LifLayer } from './lib/lif-layer.mjs';
import { measureInterleaved } from './lib/measure.mjs';
import { storedBatch } from './lib/network-cases.mjs';
import { build, timed } from './lib/network.mjs';
import { FRAMEWORKS } from './lib/neurons.mjs';
import { networks } from './lifplus.mjs';

const BATCH = 4;
const STEPS = 100;
const ROUNDS = 4;
/** A machine that does something else beside can spoil a measurement, but not make slow code fast. */
const TRIES = 3;

const { regression, ratios } = JSON.parse(readFileSync(new URL('budget.json', import.meta.url), 'utf8'));

export async function* cases() {
  await startEngine({ backend: 'tensorflow' });
  for (const { name, mode, ratio, least = (1 - regression) * ratio } of ratios) {
    yield { lines: [await hold({ name, mode, ratio, least, forms: formsOf(name, mode) })] };
  }
}

/** The best of some rounds on either side, which other work disturbs least; again when it is not enough. */
async function hold({ name, mode, ratio, least, forms }) {
  let found = 0;
  for (let i = 0; i < TRIES && found < least; i++) {
    const [ours, other] = await measureInterleaved(forms, ROUNDS);
    found = Math.max(found, other.best_ms / ours.best_ms);
  }
  const line = { name: 'budget', of: name, mode, ratio: found, budget: ratio, least, ok: found >= least };
  const [ours, other] = forms.map(({ form }) => form);
  const verdict = line.ok ? 'ok' : `FAILED: ${ours} has become slower, or ${other} faster`;
  const text = `budget ${name.padEnd(12)} ${mode.padEnd(7)} ${ours} ${found.toFixed(2)}x ${other}, at least ${least.toFixed(2)}x: ${verdict}`;
  return { line, text };
}

function formsOf(name, mode) {
  if (name === 'lifplus-step') return networks(smallBatch());
  return /^lif/.test(name) ? lifForms(name) : networkForms(name, mode);
}

function smallBatch() {
  const { img, labels } = storedBatch();
  const size = img.data.length / img.shape[0];
  return {
    img: { data: img.data.slice(0, BATCH * size), shape: [BATCH, ...img.shape.slice(1)] },
    labels: { data: labels.data.slice(0, BATCH) },
  };
}

function networkForms(task, mode) {
  const [classifier, batch] = [build(mode), smallBatch()];
  return ['fused', 'composed'].map((form) => timed(task, form, classifier, batch));
}

function lifForms(name) {
  const n = Number(name.split('-').at(-1));
  const layer = new LifLayer(FRAMEWORKS.spikingjelly, lifInputs(n, STEPS, name.startsWith('lif-fc')));
  return ['fused', 'composed'].map((form) => ({ form, run: () => layer.step(form) }));
}

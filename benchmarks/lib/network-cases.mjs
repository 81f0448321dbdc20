// The network benchmarks, `train-step` and `infer`: SeqClif3Fc3DmItout, B 16, T 20, 2x40x40, both modes.
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startEngine } from '@bidl/engine';
import { loadNpz } from '@bidl/formats';
import { compare } from './compare.mjs';
import { build, load, results, timed } from './network.mjs';
import { openPeers } from './peers.mjs';
import { scratchFile } from './scratch.mjs';
import * as spikingjelly from './spikingjelly-network.mjs';
import { trained } from './trained.mjs';

const PEERS = ['upstream-eager', 'upstream-compiled', 'spikingjelly-eager', 'spikingjelly-compiled'];
const MODES = ['spike', 'analog'];
/** The stored batch, as a file. */
export const BATCH = fileURLToPath(new URL('../data/event-digits-b16.npz', import.meta.url));

/** 16 samples as bytes [16, 20, 40, 40, 2], and their labels. */
export function storedBatch() {
  const arrays = loadNpz(BATCH);
  return { img: arrays.get('img'), labels: arrays.get('labels') };
}

/** @param task `train-step` or `infer` */
export async function* networkCases(task, { peers: wanted, modes = MODES }) {
  await startEngine({ backend: 'tensorflow' });
  const batch = storedBatch();
  const peers = await openPeers(PEERS, wanted);
  try {
    for (const mode of modes) yield await networkCase({ task, mode, batch, peers });
  } finally {
    for (const peer of peers) peer.close();
  }
}

async function networkCase({ task, mode, batch, peers }) {
  const { file, weights } = await trained(mode);
  const classifier = build(mode);
  const ours = (form) => timed(task, form, classifier, batch);
  load(classifier, weights);
  if (peers.length === 0) return { name: task, mode, forms: [ours('fused'), ours('composed')] };
  // SpikingJelly has its own neurons, which give nothing but spikes.
  const isSpikingjelly = ({ name }) => name.startsWith('spikingjelly');
  const met = mode === 'spike' ? peers : peers.filter((peer) => !isSpikingjelly(peer));
  for (const peer of met) {
    const expected = isSpikingjelly(peer)
      ? spikingjelly.results(weights, batch, (logits, labels) => classifier.loss(logits, labels))
      : results(classifier, batch, weights);
    await peer.ask({ do: 'prepare', case: 'network', mode, weights: file, batch: BATCH });
    const saved = scratchFile(`${peer.name}.safetensors`);
    await peer.ask({ do: 'results', file: saved });
    const { found, activity } = compare(expected, saved, peer.name);
    rmSync(saved);
    report(peer.name, mode, found, activity);
  }
  return { name: task, mode, forms: [ours('fused')], peers: met.map((peer) => peer.form(task)) };
}

function report(peer, mode, found, activity) {
  const apart = Object.entries(found).map(([name, value]) => `${name} ${value.toExponential(1)}`);
  const percent = activity.map((share) => `${(100 * share).toFixed(1)} %`);
  console.error(`${peer}, ${mode}: as ours; apart by ${apart.join(', ')}`);
  console.error(`  not zero in what clif1, clif2, clif3 and the head get: ${percent.join(', ')}`);
}

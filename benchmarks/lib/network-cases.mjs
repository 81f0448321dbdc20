// The network benchmarks, `train-step` and `infer`: SeqClif3Fc3DmItout, B 16, T 20, 2x40x40, both modes.
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startEngine } from '@bidl/engine';
import { loadNpz, loadSafetensors } from '@bidl/formats';
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

/** 16 samples as bytes [16, 20, 40, 40, 2], and their labels; or what else is in the file. */
export function storedBatch(file = BATCH) {
  const arrays = loadNpz(file);
  return { img: arrays.get('img'), labels: arrays.get('labels') };
}

/** The benchmarks' network: what the peers call it, ours, and what SpikingJelly's version of it computes. */
const CLIF = {
  peerCase: 'network',
  build,
  spikingjelly: (weights, batch) => {
    const classifier = build('spike');
    return spikingjelly.results(weights, batch, (logits, labels) => classifier.loss(logits, labels));
  },
};

/** @param task `train-step` or `infer` */
export async function* networkCases(task, { peers: wanted, modes = MODES }) {
  await startEngine({ backend: 'tensorflow' });
  const peers = await openPeers(PEERS, wanted);
  try {
    for (const mode of modes) {
      const { file } = await trained(mode);
      yield networkCase({ name: task, task, mode, peers, weightsFile: file, batchFile: BATCH });
    }
  } finally {
    for (const peer of peers) peer.close();
  }
}

/**
 * A group of what is to be timed, ours and the peers' (those that have this mode), once they have given the same results.
 *
 * @param network `peerCase`, `build(mode, { steps })` and `spikingjelly(weights, batch)`: the results of its version
 * @param checkFile the batch on which results are compared, default the timed one
 */
export async function networkCase({
  name,
  at,
  task,
  mode,
  peers,
  weightsFile,
  batchFile,
  checkFile = batchFile,
  network = CLIF,
}) {
  const batch = storedBatch(batchFile);
  const weights = loadSafetensors(weightsFile).tensors;
  const classifier = network.build(mode, { steps: batch.img.shape[1] });
  const ours = (form) => timed(task, form, classifier, batch);
  load(classifier, weights);
  if (peers.length === 0) return { name, mode, facts: { at }, forms: [ours('fused'), ours('composed')] };
  // SpikingJelly has its own neurons, which give nothing but spikes.
  const isSpikingjelly = ({ name }) => name.startsWith('spikingjelly');
  const met = mode === 'spike' ? peers : peers.filter((peer) => !isSpikingjelly(peer));
  const checked = storedBatch(checkFile);
  const judged = network.build(mode, { steps: checked.img.shape[1] });
  let activity;
  for (const peer of met) {
    const expected = isSpikingjelly(peer)
      ? network.spikingjelly(weights, checked)
      : results(judged, checked, weights);
    const prepare = { do: 'prepare', case: network.peerCase, mode, weights: weightsFile };
    await peer.ask({ ...prepare, batch: checkFile });
    const saved = scratchFile(`${peer.name}.safetensors`);
    await peer.ask({ do: 'results', file: saved });
    const seen = compare(expected, saved, peer.name);
    rmSync(saved);
    if (batchFile !== checkFile) await peer.ask({ ...prepare, batch: batchFile });
    activity = seen.activity;
    report(peer.name, mode, seen.found, activity);
  }
  const facts = { at, activity };
  return { name, mode, facts, forms: [ours('fused')], peers: met.map((peer) => peer.form(task)) };
}

function report(peer, mode, found, activity) {
  const apart = Object.entries(found).map(([name, value]) => `${name} ${value.toExponential(1)}`);
  const percent = activity.map((share) => `${(100 * share).toFixed(1)} %`);
  console.error(`${peer}, ${mode}: as ours; apart by ${apart.join(', ')}`);
  console.error(`  not zero in what the convolutions and the head get: ${percent.join(', ')}`);
}

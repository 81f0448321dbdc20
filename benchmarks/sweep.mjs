// How the ratios change with batch size, time steps, activity (a training step of the network) and number of neurons (LIF
// alone). One of them varies, the others stay as in `train-step` (B 16, T 20) and `lif` (B 16, T 500). `--axis batch` runs one.
import { startEngine } from '@bidl/engine';
import { loadSafetensors, ndarray, saveFile, writeSafetensors } from '@bidl/formats';
import { lifCases } from './lib/lif-cases.mjs';
import { networkCase } from './lib/network-cases.mjs';
import { openPeers } from './lib/peers.mjs';
import { reshapedBatch } from './lib/reshaped-batch.mjs';
import { scratchFile } from './lib/scratch.mjs';
import { trained } from './lib/trained.mjs';

const PEERS = ['upstream-eager', 'upstream-compiled'];
const MODE = 'spike';
const NEURONS = [256, 1024, 4096, 16_384];
/** What is different at each point: samples, time steps, or how much is added to what the neurons fire on. */
const POINTS = {
  batch: [1, 4, 16, 32],
  steps: [5, 10, 20, 40],
  activity: [-0.6, -0.3, 0, 0.3],
};

export async function* cases({ peers: wanted, axes = [...Object.keys(POINTS), 'neurons'] }) {
  await startEngine({ backend: 'tensorflow' });
  for (const axis of axes) {
    if (axis === 'neurons') yield* lifCases({ linear: false, sizes: NEURONS, peers: wanted });
    else if (POINTS[axis]) yield* networkPoints(axis, wanted);
    else
      throw new Error(
        `bench: sweep has no axis "${axis}"; it has ${Object.keys(POINTS).join(', ')}, neurons`,
      );
  }
}

async function* networkPoints(axis, wanted) {
  const { file } = await trained(MODE);
  for (const value of POINTS[axis]) {
    const peers = await openPeers(PEERS, wanted);
    try {
      yield await networkCase({
        name: `sweep-${axis}`,
        at: value,
        task: 'train-step',
        mode: MODE,
        peers,
        weightsFile: axis === 'activity' ? await shifted(file, value) : file,
        batchFile: await reshapedBatch({ [axis]: value }),
      });
    } finally {
      for (const peer of peers) peer.close();
    }
  }
}

/** The weights with so much added to the offset of each neuron's BatchNorm: more fire, or fewer. */
async function shifted(file, more) {
  const weights = new Map(loadSafetensors(file).tensors);
  for (const [name, { data, shape }] of weights) {
    if (name.endsWith('norm/beta')) {
      weights.set(
        name,
        ndarray(
          data.map((value) => value + more),
          shape,
        ),
      );
    }
  }
  const changed = scratchFile(`weights${more}.safetensors`);
  await saveFile(changed, writeSafetensors(weights));
  return changed;
}

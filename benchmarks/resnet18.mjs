// ResNetLifItout of depth 18, B 8, T 8, 2x64x64: a training step (forward and backward, no optimizer) and an inference, from
// bytes.
//
// Seventeen layers of spikes magnify rounding: of twelve million membranes some lie within it of the threshold, and one spike
// more or less in an early layer changes thousands behind it. On the whole batch the network differs from itself when its
// weights are moved by half a unit in the last place: logits of `analog` by 2e-3, gradients by 0.1. On two samples of four
// steps, which have none of these membranes, logits move by 2e-6 and gradients by 5e-6; so results are compared there.
import { startEngine } from '@bidl/engine';
import { networkCase } from './lib/network-cases.mjs';
import { openPeers } from './lib/peers.mjs';
import { reshapedBatch } from './lib/reshaped-batch.mjs';
import { RESNET, SAMPLES, settled, SIDE, STEPS } from './lib/resnet.mjs';

const PEERS = ['upstream-eager', 'spikingjelly-eager'];
const TASKS = { 'resnet18-train': 'train-step', 'resnet18-infer': 'infer' };

export async function* cases({ peers: wanted, modes = ['spike', 'analog'] }) {
  await startEngine({ backend: 'tensorflow' });
  const batchFile = await reshapedBatch({ batch: SAMPLES, steps: STEPS, side: SIDE });
  const checkFile = await reshapedBatch({ batch: 2, steps: 4, side: SIDE });
  const peers = await openPeers(PEERS, wanted);
  try {
    for (const mode of modes) {
      const weightsFile = await settled(mode, batchFile);
      for (const [name, task] of Object.entries(TASKS)) {
        yield networkCase({ name, task, mode, peers, weightsFile, batchFile, checkFile, network: RESNET });
      }
    }
  } finally {
    for (const peer of peers) peer.close();
  }
}

// ResNetLifItout of depth 18, B 8, T 8, 2x64x64: a training step (forward and backward, no optimizer) and an inference, from
// bytes.
//
// Seventeen layers of spikes magnify rounding: of twelve million membranes some lie within it of the threshold, and one spike
// more or less in an early layer changes thousands behind it. So `spike` is compared with the peers on one sample of two
// steps, which has none of these, and `analog` on the whole batch.
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
  const small = await reshapedBatch({ batch: 1, steps: 2, side: SIDE });
  const peers = await openPeers(PEERS, wanted);
  try {
    for (const mode of modes) {
      const weightsFile = await settled(mode, batchFile);
      for (const [name, task] of Object.entries(TASKS)) {
        const checkFile = mode === 'spike' ? small : batchFile;
        yield networkCase({ name, task, mode, peers, weightsFile, batchFile, checkFile, network: RESNET });
      }
    }
  } finally {
    for (const peer of peers) peer.close();
  }
}

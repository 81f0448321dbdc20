// A layer of LIF neurons over a sequence, B 16, forward and backward; with a linear layer in front (`lif-fc-<n>`: gradients
// of kernel and bias) or alone (`lif-<n>`: gradient of the input). Each peer is met with its own neuron's equations.
import { rmSync } from 'node:fs';
import { startEngine } from '@bidl/engine';
import { saveFile, writeSafetensors } from '@bidl/formats';
import { compareLif } from './compare-lif.mjs';
import { lifInputs, LifLayer } from './lif-layer.mjs';
import { FRAMEWORKS } from './neurons.mjs';
import { openPeers } from './peers.mjs';
import { scratchFile } from './scratch.mjs';

const STEPS = 500;
const PEERS = [
  'snntorch-eager',
  'snntorch-compiled',
  'norse-eager',
  'norse-compiled',
  'spikingjelly-eager',
  'spikingjelly-compiled',
  'spyx-jit',
];

/**
 * @param linear with a linear layer in front
 * @param sizes numbers of neurons
 */
export async function* lifCases({ linear, sizes, steps = STEPS, peers }) {
  await startEngine({ backend: 'tensorflow' });
  for (const n of sizes) {
    const group = { name: `lif-${linear ? 'fc-' : ''}${n}`, mode: 'spike' };
    const inputs = lifInputs(n, steps, linear);
    if (peers.length === 0) {
      const layer = new LifLayer(FRAMEWORKS.spikingjelly, inputs);
      yield { ...group, forms: ['fused', 'composed'].map((form) => ({ form, run: () => layer.step(form) })) };
      layer.dispose();
    } else yield* againstPeers(group, inputs, peers);
  }
}

async function* againstPeers(group, inputs, wanted) {
  const file = scratchFile('inputs.safetensors');
  await saveFile(file, writeSafetensors(inputs));
  for (const [framework, neuron] of Object.entries(FRAMEWORKS)) {
    const peers = await openPeers(
      PEERS.filter((name) => name.startsWith(framework)),
      wanted,
    );
    if (peers.length === 0) continue;
    const layer = new LifLayer(neuron, inputs);
    try {
      const ours = layer.results();
      for (const peer of peers) {
        await peer.ask({ do: 'prepare', case: 'lif', file, linear: inputs.has('kernel') });
        const saved = scratchFile(`${peer.name}.safetensors`);
        await peer.ask({ do: 'results', file: saved });
        console.error(`${group.name}, ${peer.name}: ${compareLif(ours, saved, peer.name)}`);
        rmSync(saved);
      }
      const forms = [{ form: 'auto', run: () => layer.step('auto') }];
      yield { ...group, forms, peers: peers.map((peer) => peer.form('lif')) };
    } finally {
      for (const peer of peers) peer.close();
      layer.dispose();
    }
  }
  rmSync(file);
}

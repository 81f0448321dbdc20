// Peak memory of a training step of SeqClif3Fc3DmItout: how far the resident memory of a fresh process rises above its
// level before its first step (network, weights and batch are there) in the course of three. The operating system counts
// (VmHWM, set back to the level before the steps), for Node and Python alike; what either brings in at its first step counts
// too. `lean` computes again what `full` keeps for the backward pass, and its line says how much longer that takes. Linux.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { BATCH } from './lib/network-cases.mjs';
import { openPeers } from './lib/peers.mjs';
import { trained } from './lib/trained.mjs';

/** What we keep for the backward pass. */
const FORMS = ['full', 'lean'];
const PEERS = ['upstream-eager', 'upstream-compiled'];
const MODES = ['spike', 'analog'];
const OURS = fileURLToPath(new URL('lib/memory-process.mjs', import.meta.url));
/** Fresh processes for each figure. */
const PROCESSES = 3;

export async function* cases({ peers: wanted, modes = MODES }) {
  for (const mode of modes) {
    const { file } = await trained(mode);
    const peers = [];
    for (const peer of wanted === 'all' ? PEERS : PEERS.filter((name) => wanted.includes(name))) {
      peers.push({ peer, mb: await median(() => ofPeer(peer, mode, file)) });
    }
    for (const form of FORMS) {
      const times = [];
      const ours = await median(async () => {
        const { time, ...found } = await fresh([mode, form]);
        times.push(time);
        return found;
      });
      yield { lines: lines({ mode, form, ours_mb: ours, time: Math.min(...times) }, peers) };
    }
  }
}

/** Megabytes above the level. */
const rise = ({ level, peak }) => (peak - level) / 2 ** 20;

async function median(measure) {
  const found = [];
  for (let i = 0; i < PROCESSES; i++) found.push(rise(await measure()));
  return found.toSorted((a, b) => a - b)[PROCESSES >> 1];
}

/** Ours, in a process of its own. */
function fresh(args) {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [OURS, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
    child.on('error', fail);
    child.on('close', (code) =>
      code === 0 ? done(JSON.parse(out)) : fail(new Error(`${OURS} ended with ${code}`)),
    );
  });
}

async function ofPeer(name, mode, weights) {
  const [peer] = await openPeers([name], [name]);
  try {
    await peer.ask({ do: 'prepare', case: 'network', mode, weights, batch: BATCH });
    return await peer.ask({ do: 'memory', task: 'train-step' });
  } finally {
    peer.close();
  }
}

function lines({ mode, form, ours_mb, time }, peers) {
  const ours = { name: 'memory', mode, form, ours_mb, time };
  const figure = (mb) => `${mb.toFixed(0)} MB`;
  const head = `${'memory'.padEnd(12)} ${mode.padEnd(7)} ${form.padEnd(5)} ours ${figure(ours_mb)}, ${time.toFixed(2)} of the time`;
  if (peers.length === 0) return [{ line: ours, text: head }];
  return peers.map(({ peer, mb }) => {
    const share = ours_mb / mb;
    const text = `${head}  ${peer} ${figure(mb)}  ${(100 * share).toFixed(0)} %`;
    return { line: { ...ours, peer, peer_mb: mb, share }, text };
  });
}

import { readFileSync } from 'node:fs';
import os from 'node:os';
import { cpuFeatures, startEngine } from '@bidl/engine';

const REQUIREMENTS = new URL('../peers/requirements.txt', import.meta.url);

/** What the figures depend on, a line each: the machine, our versions, the peers'. */
export async function machine() {
  const { version } = await startEngine({ backend: 'tensorflow' });
  const [cpu] = os.cpus();
  const peers = readFileSync(REQUIREMENTS, 'utf8')
    .split('\n')
    .filter((line) => /^[a-z]/.test(line));
  return [
    `${cpu.model.trim()}, ${os.availableParallelism()} threads, ${cpuFeatures().join(', ')}, ${Math.round(os.totalmem() / 2 ** 30)} GiB`,
    `${os.type()} ${os.release()}, Node ${process.versions.node}, TensorFlow ${version}`,
    `peers: ${peers.map((line) => line.replace('==', ' ')).join(', ')}`,
  ];
}

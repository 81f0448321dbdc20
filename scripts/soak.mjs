// npm run soak [-- ARTIFACT] [--steps N]: 100,000 steps of a network on a simulated device, every output compared, and
// nothing may be left over. Without an artifact a small spiking network is compiled first. Ends with 1 when it fails.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { lif } from '@bidl/dynamics';
import { ndarray } from '@bidl/formats';
import { graphBuilder, sha256, traceNeuron, writeArtifact } from '@bidl/graph';
import { openSimulator, soak } from '@bidl/sdk-runtime';

const MIB = 2 ** 20;
/** Resident memory may move by this much: pages that the system or V8 takes and gives back. */
const MOST_GROWTH = 16 * MIB;

const { values, positionals } = parseArgs({
  options: { steps: { type: 'string', default: '100000' } },
  allowPositionals: true,
});
const steps = Number(values.steps);
if (!Number.isSafeInteger(steps) || steps < 1 || positionals.length > 1) {
  console.error('usage: npm run soak [-- ARTIFACT] [--steps N]');
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), 'bidl-soak-'));
const driver = await openSimulator();
try {
  const artifact = positionals[0] ?? (await compileSmall(join(folder, 'Soak')));
  const {
    growth,
    wrong,
    seconds,
    steps: done,
  } = await soak(artifact, {
    driver,
    steps,
    onTenth: ({ steps: so, rss }) =>
      console.log(`${String(so).padStart(9)} steps, ${(rss / MIB).toFixed(1)} MiB resident`),
  });
  const left = Object.entries(driver.usage()).filter(([, count]) => count !== 0);
  const failures = [
    ...(wrong > 0 ? [`${wrong} runs gave other outputs than the artifact expects`] : []),
    ...(growth > MOST_GROWTH ? [`resident memory grew by ${(growth / MIB).toFixed(1)} MiB`] : []),
    ...left.map(([what, count]) => `${count} ${what} left over`),
  ];
  console.log(
    `${done} steps in ${seconds.toFixed(1)} s (${((1e6 * seconds) / done).toFixed(1)} us a step), ` +
      (failures.length === 0 ? 'all outputs right, nothing left over' : failures.join('; ')),
  );
  process.exitCode = failures.length === 0 ? 0 : 1;
} finally {
  driver.close();
  rmSync(folder, { recursive: true, force: true });
}

/** One spiking convolution and one dense layer, weights by a formula. */
async function compileSmall(dir) {
  const timesteps = 20;
  const formula = (shape) =>
    ndarray(
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i + 1) / 3),
      shape,
    );
  const b = graphBuilder({ name: 'soak', timesteps });
  const x = b.input('data', { shape: [12, 12, 2], dtype: 'uint8' });
  const kernel = b.weight('clif/kernel', formula([3, 3, 2, 8]));
  const conv = b.conv2d(x, kernel, undefined, { padding: [1, 1, 1, 1] }, { layer: 'clif' });
  const neuron = lif();
  const params = Object.entries(neuron.params).map(([name, value]) => [
    name,
    b.numbers(`clif/${name}`, value),
  ]);
  const spikes = traceNeuron(b, 'clif', neuron, conv, Object.fromEntries(params));
  const flat = b.reshape(spikes, [12 * 12 * 8], { layer: 'flat' });
  b.output('logits', b.dense(flat, b.weight('fc', formula([12 * 12 * 8, 10])), undefined, { layer: 'fc' }));
  const frame = (t) => [
    Uint8Array.from({ length: 12 * 12 * 2 }, (_, i) => ((i * 7 + t * 13) % 11 === 0 ? 1 : 0)),
  ];
  await writeArtifact(dir, {
    graph: b.build(),
    producer: { name: 'soak', version: '1' },
    config: sha256('soak'),
    checkpoint: sha256('soak'),
    target: { name: 'apu', options: {} },
    samples: [Array.from({ length: timesteps }, (_, t) => frame(t))],
  });
  return dir;
}

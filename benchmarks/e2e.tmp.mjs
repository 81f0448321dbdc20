import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { deserialize } from 'node:v8';
import { readFileSync } from 'node:fs';
import { writeArtifact } from '@bidl/graph';
import { ApuRun, openSimulator } from '@bidl/sdk-runtime';
const { graph, samples } = deserialize(readFileSync('/tmp/stream.case'));
const fix = (g) => ({ ...g, weights: Object.fromEntries(Object.entries(g.weights).map(([k, w]) => [k, { ...w, data: new Float32Array(w.data) }])) });
const folder = path.join(mkdtempSync(path.join(tmpdir(), 'e2e-')), 'a');
const s0 = new Uint8Array(samples[0]);
await writeArtifact(folder, { graph: fix(graph), batch: 1, producer: { name: '@bidl/compile', version: '0' }, config: '0'.repeat(64), checkpoint: '0'.repeat(64), target: { name: 'apu', options: {} }, samples: [Array.from({ length: 20 }, (_, t) => [s0.slice(t * 3200, (t + 1) * 3200)])] });
const driver = await openSimulator();
const run = new ApuRun(0, path.join(folder, 'Net_0'), 20, { driver });
const data = samples.map((s) => ({ dtype: 'uint8', shape: [20, 40, 40, 2], data: new Uint8Array(s) }));
const times = [];
for (let r = 0; r < Number(process.env.R ?? 60); r++) {
  const a = performance.now();
  for (let i = 0; i < 25; i++) await run.run(data[i % data.length]);
  await run.getOutput();
  times.push((performance.now() - a) / 25 / 20);
}
times.sort((a, b) => a - b);
const c = process.cpuUsage();
console.log('us/step best', (1e3 * times[0]).toFixed(1), 'median', (1e3 * times[times.length >> 1]).toFixed(1), 'fps best', (1e3 / times[0]).toFixed(0), 'median', (1e3 / times[times.length >> 1]).toFixed(0));
await run.dispose(); driver.close(); rmSync(path.dirname(folder), { recursive: true });
process.exit(0);

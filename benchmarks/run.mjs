#!/usr/bin/env node
// npm run bench -- [NAME] [--json]: runs one benchmark, or all. A benchmark is benchmarks/<name>.mjs and gives
// `export const cases = async () => [{ name, mode, forms: [{ form, run }] }]`.
import { readdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { measureInterleaved } from './lib/measure.mjs';

const here = new URL('.', import.meta.url);
const names = readdirSync(here)
  .filter((file) => file.endsWith('.mjs') && file !== 'run.mjs')
  .map((file) => file.slice(0, -4));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, rounds: { type: 'string', default: '12' } },
});
const chosen = positionals.length > 0 ? positionals : names;
for (const name of chosen) {
  if (!names.includes(name)) {
    console.error(`bench: there is no benchmark "${name}"; there are ${names.join(', ')}`);
    process.exit(2);
  }
}
for (const name of chosen) {
  const { cases } = await import(new URL(`${name}.mjs`, here));
  for (const group of await cases()) {
    const rows = await measureInterleaved(group.forms, Number(values.rounds));
    for (const row of rows) {
      // A group may count frames, and say what its last form is when that is not the composed one.
      const { name, mode, frames, against = 'composed' } = group;
      const fps = frames && { fps: (1000 * frames) / row.ms, best_fps: (1000 * frames) / row.best_ms };
      const line = { name, mode, ...row, ...fps, [`ratio_to_${against}`]: rows.at(-1).ms / row.ms };
      const rate = fps ? `  ${Math.round(fps.fps)} frames/s (best ${Math.round(fps.best_fps)})` : '';
      console.log(
        values.json
          ? JSON.stringify(line)
          : `${group.name.padEnd(14)} ${group.mode.padEnd(7)} ${row.form.padEnd(9)} median ${row.ms.toFixed(1)} ms  best ${row.best_ms.toFixed(1)} ms  ${(rows.at(-1).ms / row.ms).toFixed(2)}x ${against}${rate}`,
      );
    }
  }
}

#!/usr/bin/env node
// npm run bench -- [NAME...] [--peers] [--json]: runs benchmarks, or all. A benchmark is benchmarks/<name>.mjs and gives
// `export const cases = (options) => [{ name, mode, forms: [{ form, run }], peers?: [{ form, timed }] }]` (an array, or
// an iterator, also asynchronous; a group may also bring ready `lines: [{ line, text }]`). Without peers every form is
// compared with the last one. A line with `ok: false` makes the run fail.
import { readdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { measureInterleaved } from './lib/measure.mjs';
import { againstForms, againstPeers } from './lib/lines.mjs';

const here = new URL('.', import.meta.url);
const names = readdirSync(here)
  .filter((file) => file.endsWith('.mjs') && !['run.mjs', 'report.mjs'].includes(file))
  .map((file) => file.slice(0, -4));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    peers: { type: 'boolean', default: false },
    peer: { type: 'string', multiple: true, default: [] },
    mode: { type: 'string', multiple: true },
    axis: { type: 'string', multiple: true },
    steps: { type: 'string' },
    rounds: { type: 'string', default: '12' },
  },
});
const rounds = Number(values.rounds);
const peers = values.peers ? 'all' : values.peer;
const chosen = positionals.length > 0 ? positionals : names;
const plan = chosen.map((name) => {
  const [, base = name, size] = /^(.+)-(\d+)$/.exec(name) ?? [];
  if (names.includes(name) && !size) return { name };
  if (names.includes(base) && size) return { name: base, size: Number(size) };
  console.error(
    `bench: there is no benchmark "${name}"; there are ${names.join(', ')} (lif and lif-fc also as lif-512)`,
  );
  process.exit(2);
});
for (const { name, size } of plan) {
  const { cases } = await import(new URL(`${name}.mjs`, here));
  for await (const group of await cases({
    peers,
    modes: values.mode,
    axes: values.axis,
    size,
    steps: values.steps && Number(values.steps),
  })) {
    if (group.lines) {
      print(group.lines);
      continue;
    }
    const rows = await measureInterleaved([...group.forms, ...(group.peers ?? [])], rounds);
    print(group.peers ? againstPeers(group, rows) : againstForms(group, rows));
  }
}

function print(lines) {
  for (const { line, text } of lines) {
    console.log(values.json ? JSON.stringify(line) : text);
    if (line.ok === false) process.exitCode = 1;
  }
}

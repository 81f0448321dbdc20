// How long a user waits: `bidl --help`, and `bidl train` of the quickstart from its start to its first finished step.
// Everything is in the system's caches: each is run once before it counts.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureDataset } from './lib/dataset.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BIDL = join(ROOT, 'apps/cli/bin/bidl.mjs');
const CONFIG = 'clif3fc3dm_itout-b16x2-nmnist';
const ROUNDS = 7;

export async function* cases() {
  yield { lines: [await measure('help', 300, help)] };
  await ensureDataset();
  yield { lines: [await measure('first-step', 3000, firstStep)] };
}

async function measure(name, limit_ms, run) {
  await run();
  const times = [];
  for (let i = 0; i < ROUNDS; i++) times.push(await run());
  const sorted = times.toSorted((a, b) => a - b);
  const line = { name: `startup-${name}`, ms: sorted[ROUNDS >> 1], best_ms: sorted[0], limit_ms };
  const text = `${line.name.padEnd(20)} median ${line.ms.toFixed(0)} ms  best ${line.best_ms.toFixed(0)} ms  (goal ${limit_ms} ms)`;
  return { line, text };
}

const help = () => until(['--help']);

/** With every step logged, until the line of the first one. */
async function firstStep() {
  const work = mkdtempSync(join(tmpdir(), 'bidl-startup-'));
  try {
    const options = ['--work-dir', work, '--cfg-options', 'log_config.interval=1'];
    return await until(['train', CONFIG, ...options], /Epoch \[1\/\d+\]\[1\//);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Milliseconds until a line of the output, or until the end. */
function until(args, line) {
  return new Promise((done, fail) => {
    const start = performance.now();
    const child = spawn(process.execPath, [BIDL, ...args], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    let seen = '';
    let time;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        seen += text;
        if (time !== undefined || !line?.test(seen)) return;
        time = performance.now() - start;
        child.kill('SIGKILL');
      });
    }
    child.on('error', fail);
    child.on('close', (code) => {
      if (time === undefined && !line && code === 0) time = performance.now() - start;
      if (time === undefined) fail(new Error(`bidl ${args.join(' ')} ended with ${code}:\n${seen}`));
      else done(time);
    });
  });
}

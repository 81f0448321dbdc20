/**
 * `npm start`: from a fresh clone to a trained and tested network. Set-up, the digits as events, training of the quickstart
 * config, test of its best checkpoint on the 2,000 test samples, and where everything lies.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root, show } from './lib/run.mjs';
import { print, seconds } from './lib/steps.mjs';
import { setup } from './setup.mjs';

const CONFIG = 'clif3fc3dm_itout-b16x2-nmnist';
const bidl = join(root, 'apps/cli/bin/bidl.mjs');
const work = join(root, 'work_dirs', CONFIG);
const data = join(root, 'data/event-digits');
const begin = performance.now();

await setup();
if (!existsSync(data)) await run('datasets', 'make', 'event-digits');
const training = performance.now();
await run('train', CONFIG);
const trained = seconds(training);
const checkpoint = [join(work, 'best.safetensors'), join(work, 'latest.safetensors')].find(existsSync);
if (checkpoint === undefined) stop(`training left no checkpoint in ${work}`);
const result = JSON.parse(await output('test', CONFIG, '--checkpoint', checkpoint, '--json'));

const percent = (value) => `${value.toFixed(2)} %`;
console.log(`
Digits seen by an event camera, told apart by a spiking network
  top-1            ${percent(result.top1)} of ${result.samples} test samples (top-5 ${percent(result.top5)})
  speed            ${result.fps.toFixed(0)} frames/s in the test, on backend ${result.engine}
  training took    ${trained}; all together ${seconds(begin)}
  data             ${relative(root, data)}
  run, with log    ${relative(root, work)}
  weights          ${relative(root, checkpoint)}
Next: npx bidl configs list | npx bidl train --help | README.md`);

/** A bidl command on this terminal; ends this program when it fails, for it has told why. */
async function run(...args) {
  print(`\n> bidl ${args.join(' ')}`);
  const code = await show(process.execPath, [bidl, ...args]);
  if (code !== 0) process.exit(code);
}

/** The same, giving what it prints on stdout. */
function output(...args) {
  print(`\n> bidl ${args.map((arg) => (arg === checkpoint ? relative(root, arg) : arg)).join(' ')}`);
  return new Promise((done) => {
    const child = spawn(process.execPath, [bidl, ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part) => (text += part));
    child.on('close', (code) => (code === 0 ? done(text) : process.exit(code ?? 1)));
  });
}

function stop(reason) {
  print(`npm start: ${reason}`);
  process.exit(1);
}

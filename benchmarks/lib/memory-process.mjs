// memory-process.mjs MODE MEMORY: our part of the benchmark `memory`, in a process of its own. Writes {"level", "peak", "time"}:
// bytes, and the time of a step in that of one that keeps all that its backward pass needs.
import { readFileSync, writeFileSync } from 'node:fs';
import { startEngine } from '@bidl/engine';
import { storedBatch } from './network-cases.mjs';
import { build, load, trainable, trainStep } from './network.mjs';
import { trained } from './trained.mjs';

const STEPS = 3;
/** Steps that are timed, of either kind. */
const TURNS = 8;

const [mode, memory] = process.argv.slice(2);
await startEngine({ backend: 'tensorflow' });
const batch = storedBatch();
const { weights } = await trained(mode);
const classifier = build(mode);
load(classifier, weights);
const variables = trainable(classifier);

const level = status('VmRSS');
writeFileSync('/proc/self/clear_refs', '5'); // the peak starts again at the level
for (let i = 0; i < STEPS; i++) trainStep(classifier, batch, variables, { memory });
const peak = status('VmHWM');
const [time, ofFull] = times([memory, 'full']);
console.log(JSON.stringify({ level, peak, time: time / ofFull }));

/** The shortest step of each, in turns. */
function times(memories) {
  const best = memories.map(() => Infinity);
  for (let i = 0; i < TURNS * memories.length; i++) {
    const which = i % memories.length;
    const began = performance.now();
    trainStep(classifier, batch, variables, { memory: memories[which] });
    best[which] = Math.min(best[which], performance.now() - began);
  }
  return best;
}

/** A figure of the operating system's about this process, in bytes. */
function status(field) {
  const [, kib] = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8'));
  return 1024 * Number(kib);
}

import { setTimeout as sleep } from 'node:timers/promises';

/** Short work is repeated until a turn takes about this long. */
const TURN_MS = 60;
/** Between turns, so that nobody's threads still spin while another one is measured. */
const PAUSE_MS = 30;

/**
 * Runs every form once a round, in turn, so that whatever else the machine does hits all of them alike.
 *
 * @param forms `run()` does the work once; or `timed(repeat)` does it so often and gives the milliseconds of one time
 * @returns for each form its median and best milliseconds
 */
export async function measureInterleaved(forms, rounds) {
  const repeats = [];
  for (const form of forms) {
    await turn(form, 1); // warm up
    repeats.push(Math.min(50, Math.max(1, Math.round(TURN_MS / (await turn(form, 1))))));
  }
  const times = forms.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, form] of forms.entries()) {
      await sleep(PAUSE_MS);
      times[i].push(await turn(form, repeats[i]));
    }
  }
  return forms.map(({ form }, i) => {
    const sorted = times[i].toSorted((a, b) => a - b);
    return { form, ms: median(sorted), best_ms: sorted[0] };
  });
}

async function turn({ run, timed }, repeat) {
  if (timed) return timed(repeat);
  const start = performance.now();
  for (let i = 0; i < repeat; i++) await run();
  return (performance.now() - start) / repeat;
}

const median = (sorted) => (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;

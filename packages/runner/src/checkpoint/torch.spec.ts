import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEngine, tf } from '@bidl/engine';
import { buildClassifier } from '@bidl/models';
import { channelsLast, expectClose, golden, goldenFile } from '@bidl/testing';
import { tinyNetwork } from '../testing/tiny.js';
import { applyWeights } from './apply.js';
import { CheckpointError, CheckpointMismatchError } from './errors.js';
import { readCheckpoint } from './read.js';

const FILE = goldenFile('checkpoints', 'clif3fc3dm_8x8_zip.pth');
const network = (args: object = {}) =>
  buildClassifier(
    {
      type: 'ImageClassifier',
      backbone: { type: 'SeqClif3Fc3DmItout', timestep: 3, cmode: 'analog', ...args },
    },
    { inputShape: [3, 8, 8, 2] },
  );

let dir = '';
beforeAll(() => startEngine());
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'bidl-torch-'))));
afterEach(() => rmSync(dir, { recursive: true }));

it('a PyTorch checkpoint of upstream gives its logits, whatever the file is called', () => {
  const { get, json } = golden('checkpoints', 'clif3fc3dm_8x8');
  const path = join(dir, 'latest');
  writeFileSync(path, readFileSync(FILE));
  const classifier = network();
  const report = applyWeights(classifier, readCheckpoint(path));
  expect(report).toMatchObject({ missing: [], unused: [], misshapen: [] });
  const x = channelsLast(get('x'));
  const logits = tf.tidy(() =>
    classifier.forward(tf.tensor(x.data as Float32Array, [...x.shape], 'float32')).dataSync(),
  );
  expectClose(logits, get('logits').data as Float32Array, json.tolerance as { atol: number }, 'logits');
  classifier.dispose();
});

it('can be loaded, not resumed', () => {
  expect(readCheckpoint(FILE)).toMatchObject({ meta: undefined, torch: { epoch: 1 } });
});

it('of another network: what differs, and nothing is changed', () => {
  const classifier = network({ nclass: 7 });
  const before = classifier.weights().map((w) => Array.from(w.variable.dataSync()));
  const load = () => applyWeights(classifier, readCheckpoint(FILE));
  expect(load).toThrow(CheckpointMismatchError);
  expect(load).toThrow(/this checkpoint belongs to another network/);
  expect(load).toThrow(
    /2 of another shape:\n {4}head\.4\.weight \(file \[10, 128\], network \[7, 128\] for head\/4\/kernel\)/,
  );
  expect(classifier.weights().map((w) => Array.from(w.variable.dataSync()))).toEqual(before);
  classifier.dispose();
});

it('for a classifier that shows no layers', () => {
  expect(() => applyWeights(tinyNetwork(), readCheckpoint(FILE))).toThrow(/does not show its layers/);
});

it.each([
  ['hostile.pth', /posix\.system is not allowed in a data file/],
  ['truncated.pth', /truncated: its directory is missing\. Copy the file anew/],
])('%s is refused', (name, message) => {
  const read = () => readCheckpoint(goldenFile('checkpoints', name));
  expect(read).toThrow(CheckpointError);
  expect(read).toThrow(message);
});

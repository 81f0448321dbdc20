import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEngine, tf } from '@bidl/engine';
import { ndarray, readSafetensors, writeSafetensors } from '@bidl/formats';
import '../optimizers/adam.js';
import { createOptimizer } from '../optimizers/optimizer.js';
import '../optimizers/sgd.js';
import { tinyNetwork } from '../testing/tiny.js';
import { differences } from './compare-producer.js';
import { applyOptimizer, applyWeights } from './apply.js';
import { readCheckpoint } from './read.js';
import { encodeCheckpoint, type CheckpointFacts } from './encode.js';
import { CheckpointError, CheckpointMismatchError } from './errors.js';
import { CHECKPOINT_VERSION } from './meta.js';

const producer = {
  name: '@bidl/runner',
  version: '0.1.0',
  backend: 'tensorflow',
  fused: true,
  threads: 2,
  cpuFeatures: ['avx2'],
};
const facts: CheckpointFacts = {
  format: 'bidl-checkpoint',
  version: CHECKPOINT_VERSION,
  producer,
  time: '2024-05-01T12:00:00.000Z',
  epoch: 3,
  iter: 12,
  maxEpochs: 5,
  seed: 7,
  schedules: [{ epoch: 3, iter: 12 }],
  best: { epoch: 2, top1: 87.5 },
  history: [{ epoch: 1, lr: 0.1, seconds: 2, train: { loss: 1, top1: 50, top5: 100 } }],
  classes: ['0', '1', '2'],
  configName: 'tiny',
  config: { runner: { max_epochs: 5 } },
};

let dir = '';
beforeAll(() => startEngine());
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'bidl-checkpoint-'))));
afterEach(() => rmSync(dir, { recursive: true }));

async function save(optimizer = { type: 'Adam' } as object, network = tinyNetwork()) {
  const path = join(dir, 'latest.safetensors');
  const updater = createOptimizer(optimizer, network.weights());
  const trainable = network.weights().filter((w) => w.trainable);
  tf.tidy(() => updater.step(new Map(trainable.map((w) => [w.name, tf.onesLike(w.variable)]))));
  writeFileSync(path, await encodeCheckpoint(network.weights(), updater, facts));
  return { path, network, updater };
}
const valuesOf = (network: ReturnType<typeof tinyNetwork>) =>
  network.weights().map((w) => [w.name, Array.from(w.variable.dataSync())]);

it('gives back weights, running statistics, optimizer state and facts', async () => {
  const { path, network, updater } = await save();
  const file = readCheckpoint(path);
  expect(file.meta).toEqual({ ...facts, optimizer: { type: 'Adam', scalars: updater.state().scalars } });
  const other = tinyNetwork();
  const fresh = createOptimizer({ type: 'Adam' }, other.weights());
  other.weights().forEach((w) => w.variable.assign(tf.zerosLike(w.variable)));
  const before = tf.memory().numTensors;
  applyWeights(other, file);
  expect(valuesOf(other)).toEqual(valuesOf(network));
  expect(tf.memory().numTensors).toBe(before);
  applyOptimizer(fresh, file);
  const states = [updater, fresh].map((o) =>
    [...o.state().tensors].map(([k, t]) => [k, Array.from(t.dataSync())]),
  );
  expect(states[1]!.sort()).toEqual(states[0]!.sort());
});

it('is one safetensors file that other tools can read', async () => {
  const { path } = await save();
  const { tensors, metadata } = readSafetensors(readFileSync(path));
  expect([...tensors.keys()].sort()).toEqual([
    'model/fc/bias',
    'model/fc/kernel',
    'model/norm/moving_mean',
    'optimizer/exp_avg/fc/bias',
    'optimizer/exp_avg/fc/kernel',
    'optimizer/exp_avg_sq/fc/bias',
    'optimizer/exp_avg_sq/fc/kernel',
  ]);
  expect(metadata.format).toBe('bidl-checkpoint');
});

it('leaves no tensor behind when encoding', async () => {
  const { network, updater } = await save();
  const before = tf.memory().numTensors;
  await encodeCheckpoint(network.weights(), updater, facts);
  expect(tf.memory().numTensors).toBe(before);
});

it('refuses the checkpoint of another network, listing what differs, and changes nothing', async () => {
  const { path } = await save();
  const other = tinyNetwork({ hidden: 'head', features: 5 });
  const before = valuesOf(other);
  const load = () => applyWeights(other, readCheckpoint(path));
  expect(load).toThrow(CheckpointMismatchError);
  expect(load).toThrow(/2 missing in the file: head\/kernel, head\/bias/);
  expect(load).toThrow(/2 unexpected in the file: fc\/.*, fc\//);
  expect(load).toThrow(/1 of another shape: norm\/moving_mean \(file \[4\], network \[5\]\)/);
  expect(valuesOf(other)).toEqual(before);
});

it('refuses to save weights that are no numbers', async () => {
  const network = tinyNetwork();
  network.weights()[0]!.variable.assign(tf.fill([4, 3], NaN));
  await expect(encodeCheckpoint(network.weights(), undefined, facts)).rejects.toThrow(
    /"fc\/kernel" has become NaN or infinite/,
  );
});

it('refuses the state of another optimizer', async () => {
  const { path, network } = await save();
  const sgd = createOptimizer({ type: 'SGD', momentum: 0.9 }, network.weights());
  expect(() => applyOptimizer(sgd, readCheckpoint(path))).toThrow(
    /state of optimizer Adam.*asks for SGD.*load_from/,
  );
});

describe('a file that is no good', () => {
  it.each([0, 4, 100, 0.5, 0.99])('cut off at %s', async (where) => {
    const { path } = await save();
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(0, where < 1 ? Math.floor(where * bytes.length) : where));
    expect(() => readCheckpoint(path)).toThrow(CheckpointError);
    expect(() => readCheckpoint(path)).toThrow(/latest\.safetensors can't be read: .* damaged/s);
  });

  it('is not there', () => {
    expect(() => readCheckpoint(join(dir, 'none.safetensors'))).toThrow(
      /none\.safetensors can't be read.*Check the path/s,
    );
  });

  const withMeta = (bidl: string) => {
    const path = join(dir, 'edited.safetensors');
    const tensors = new Map([['model/fc/bias', ndarray(new Float32Array(3), [3])]]);
    writeFileSync(path, writeSafetensors(tensors, { bidl }));
    return () => readCheckpoint(path);
  };
  it('has metadata that is no JSON', () => expect(withMeta('{')).toThrow(/metadata is no JSON/));
  it('comes from a newer release', () =>
    expect(withMeta('{"version":99}')).toThrow(/format version 99; this release reads up to 1. Update bidl/));
  it('has metadata of another kind', () =>
    expect(withMeta(JSON.stringify({ ...facts, epoch: -1, optimizer: null }))).toThrow(/metadata\.epoch/));

  it('holds weights of another type', () => {
    const path = join(dir, 'ints.safetensors');
    const network = tinyNetwork();
    const ints = network
      .weights()
      .map((w) => [w.name, ndarray(new Int32Array(w.variable.size), w.variable.shape)] as const);
    writeFileSync(path, writeSafetensors(new Map(ints), {}));
    expect(() => applyWeights(network, readCheckpoint(path))).toThrow(/is of type int32; float32 is needed/);
  });
});

it('takes a plain safetensors file of weights', () => {
  const path = join(dir, 'plain.safetensors');
  const network = tinyNetwork();
  const ones = network
    .weights()
    .map((w) => [w.name, ndarray(new Float32Array(w.variable.size).fill(1), w.variable.shape)] as const);
  writeFileSync(path, writeSafetensors(new Map(ones), {}));
  const file = readCheckpoint(path);
  expect(file.meta).toBeUndefined();
  applyWeights(network, file);
  expect(network.weights().every((w) => w.variable.dataSync().every((v) => v === 1))).toBe(true);
});

it('says when a resumed run may differ in the last bits', () => {
  expect(differences(producer, { ...producer, cpuFeatures: ['avx2'] })).toEqual([]);
  expect(
    differences(producer, { ...producer, fused: false, threads: 4, cpuFeatures: ['avx2', 'avx512f'] }),
  ).toEqual([
    'form of the neuron kernels was fused, is composed',
    'thread count was 2, is 4',
    'set of CPU features was avx2, is avx2 avx512f',
  ]);
});

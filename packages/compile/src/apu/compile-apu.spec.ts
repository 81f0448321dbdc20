import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEngine } from '@bidl/engine';
import { readArtifact, selfCheck, sha256, type Sample, type StateArea } from '@bidl/graph';
import { smallNetwork } from '../testing/small.js';
import { apuFolder, compileApu, compileGraph, type ApuOptions } from './compile-apu.js';

let root: string;
beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
  root = mkdtempSync(path.join(tmpdir(), 'bidl-apu-'));
});
afterAll(() => rmSync(root, { recursive: true }));

const samples: Sample[] = [0, 1].map((i) =>
  [0, 1, 2].map((t) => [Uint8Array.from({ length: 72 }, (_, k) => (k * 5 + t + i) % 3)]),
);
const source = () => ({
  model: smallNetwork(),
  config: { name: 'small-b16x1-dvsmnist', hash: sha256('config') },
  checkpoint: { hash: sha256('checkpoint') },
  samples,
});
const BYTES: ApuOptions = { inputType: 'uint8' };

/** Every file of a folder with its hash. */
const contents = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .map((file) => [path.relative(folder, file), sha256(readFileSync(file))])
    .sort(([a], [b]) => (a < b ? -1 : 1));

test('writes an artifact that checks itself, and names where it comes from', async () => {
  const { folder, graph } = await compileApu(source(), BYTES, path.join(root, 'one'));
  const artifact = readArtifact(folder);
  expect(selfCheck(artifact).equal).toBe(true);
  expect(artifact.graph.nodes).toEqual(graph.nodes);
  expect(artifact.manifest).toMatchObject({
    producer: { name: '@bidl/compile' },
    config: sha256('config'),
    checkpoint: sha256('checkpoint'),
    target: {
      name: 'apu',
      options: {
        ...{ inputType: 'uint8', storage: 'float32', fuse: true, foldNorm: true },
        ...{ version: 0, mode: 'auto', multinet: false },
      },
    },
    timesteps: 3,
    batch: 1,
  });
});

test('the same network gives the same bytes in another folder', async () => {
  const [a, b] = [path.join(root, 'a'), path.join(root, 'other', 'b')];
  await compileApu(source(), BYTES, a);
  await compileApu(source(), BYTES, b);
  expect(contents(b)).toEqual(contents(a));
});

test('half precision and a batch', async () => {
  const options = { ...BYTES, storage: 'float16', batch: 2 } as const;
  const { folder } = await compileApu(source(), options, path.join(root, 'half'));
  const artifact = readArtifact(folder);
  expect(artifact.manifest.batch).toBe(2);
  expect(artifact.graph.states.every(({ dtype }) => dtype === 'float16')).toBe(true);
  expect(selfCheck(artifact).equal).toBe(true);
});

test('a batch that the chip does not have', async () => {
  const refused = compileApu(source(), { ...BYTES, batch: 3 }, path.join(root, 'three'));
  await expect(refused).rejects.toThrow('rule batch-size');
});

test.each<[ApuOptions, Partial<StateArea>, Record<string, unknown>]>([
  [{}, { memory: 'ddr', relocatable: false }, { version: 0, mode: 'auto', multinet: false }],
  [{ version: 1 }, { memory: 'glb' }, { version: 1, mode: 'auto' }],
  [{ batch: 2, version: 0 }, { memory: 'glb' }, { version: 1 }],
  [{ mode: 'glb', version: 0 }, { memory: 'glb' }, { version: 1, mode: 'glb' }],
  [{ mode: 'ddr', version: 1 }, { memory: 'ddr' }, { version: 1, mode: 'ddr' }],
  [{ multinet: true, postMode: 1005 }, { relocatable: true }, { multinet: true, postMode: 1005 }],
])('%j: where the states lie, and what the manifest says', async (options, area, recorded) => {
  const { folder } = await compileApu(source(), { ...BYTES, ...options }, path.join(root, 'placed'));
  const artifact = readArtifact(folder);
  expect(artifact.stateArea).toMatchObject(area);
  expect(artifact.manifest.target.options).toMatchObject(recorded);
});

test('states that the chip has no room for, and auto then takes the other memory', () => {
  const large = (options: ApuOptions) =>
    compileGraph(smallNetwork({ hidden_channel: 4200 }), { ...BYTES, batch: 28, ...options });
  expect(() => large({ mode: 'glb' })).toThrow(
    /layer "clif" has the largest .* \(rule state-memory\); use mode ddr/,
  );
  expect(large({ mode: 'auto' }).settings.placement.memory).toBe('ddr');
});

test('goes to the place that upstream uses', () => {
  const folder = path.join('model_files', 'classification', 'SmallDm');
  expect(apuFolder('small-b16x1-dvsmnist')).toBe(path.resolve(folder));
  expect(apuFolder('small-b16x1-dvsmnist', { batch: 4 })).toBe(path.resolve(`${folder}_b`));
  expect(apuFolder('small-b16x1-dvsmnist', {}, root)).toBe(root);
});

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEngine } from '@bidl/engine';
import { sha256 } from '@bidl/graph';
import { smallNetwork } from '../testing/small.js';
import { compileOnnx, onnxFolder, readOnnxFolder } from './compile-onnx.js';

let root: string;
beforeAll(async () => {
  await startEngine({ backend: 'tensorflow' });
  root = mkdtempSync(path.join(tmpdir(), 'bidl-onnx-'));
});
afterAll(() => rmSync(root, { recursive: true }));

const origin = { config: sha256('config'), checkpoint: sha256('checkpoint') };
const source = () => ({
  model: smallNetwork(),
  config: { name: 'small-b16x1-dvsmnist', hash: origin.config },
  checkpoint: { hash: origin.checkpoint },
});

test('writes two models and says where they come from, the same bytes every time', async () => {
  const [a, b] = [path.join(root, 'a'), path.join(root, 'b')];
  const { folder } = await compileOnnx(source(), {}, a);
  await compileOnnx(source(), {}, b);
  expect(readdirSync(folder).sort()).toEqual(['manifest.json', 'sequence.onnx', 'step.onnx']);
  for (const name of readdirSync(a)) {
    expect(readFileSync(path.join(b, name)).equals(readFileSync(path.join(a, name)))).toBe(true);
  }
  expect(readOnnxFolder(a, origin)).toMatchObject({ timesteps: 3, options: { inputType: 'float32' } });
});

test('names the file that is missing or damaged, and what the folder was made from instead', async () => {
  const folder = path.join(root, 'c');
  await compileOnnx(source(), {}, folder);
  expect(() => readOnnxFolder(folder, { config: 'x' })).toThrow('was compiled from another config');
  expect(() => readOnnxFolder(folder, { checkpoint: 'x' })).toThrow('was compiled from another checkpoint');
  const file = path.join(folder, 'step.onnx');
  const bytes = readFileSync(file);
  bytes[100] ^= 1;
  writeFileSync(file, bytes);
  expect(() => readOnnxFolder(folder)).toThrow('step.onnx is not the file that was compiled');
  await compileOnnx(source(), {}, folder);
  rmSync(path.join(folder, 'sequence.onnx'));
  expect(() => readOnnxFolder(folder)).toThrow("sequence.onnx can't be read");
  writeFileSync(path.join(folder, 'manifest.json'), '{}');
  expect(() => readOnnxFolder(folder)).toThrow('manifest.json is no manifest of ours');
  expect(() => readOnnxFolder(path.join(root, 'none'))).toThrow("manifest.json can't be read");
});

test('goes beside the artifacts', () => {
  expect(onnxFolder('clif3fc3dm_itout-b16x2-nmnist')).toMatch(/classification.Clif3fc3dm_itoutNm_onnx$/);
});

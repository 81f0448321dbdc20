import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
  expect(readOnnxFolder(a, origin)).toMatchObject({
    timesteps: 3,
    target: { options: { inputType: 'float32' } },
  });
});

test('says what a folder was made from instead', async () => {
  const folder = path.join(root, 'c');
  await compileOnnx(source(), {}, folder);
  const other = sha256('other');
  expect(() => readOnnxFolder(folder, { config: other })).toThrow('was compiled from another config');
  expect(() => readOnnxFolder(folder, { checkpoint: other })).toThrow('was compiled from another checkpoint');
  expect(() => readOnnxFolder(folder, { options: { storage: 'float16' } })).toThrow(
    'manifest.json: was compiled for storage float32, not float16; compile it again',
  );
});

test('names the file in which a byte was changed, that is missing, or foreign', async () => {
  const folder = path.join(root, 'd');
  await compileOnnx(source(), {}, folder);
  const wrong = (file: string) =>
    expect(() => readOnnxFolder(folder)).toThrow(expect.objectContaining({ name: 'ArtifactError', file }));
  for (const name of readdirSync(folder)) {
    const file = path.join(folder, name);
    const bytes = readFileSync(file);
    for (let at = 0; at < bytes.length; at += Math.ceil(bytes.length / 50)) {
      const damaged = Buffer.from(bytes);
      damaged[at] ^= 1 << (at % 8);
      writeFileSync(file, damaged);
      wrong(name);
    }
    writeFileSync(file, bytes);
  }
  expect(() => readOnnxFolder(folder)).not.toThrow();
  rmSync(path.join(folder, 'sequence.onnx'));
  wrong('sequence.onnx');
  await compileOnnx(source(), {}, folder);
  writeFileSync(path.join(folder, 'notes.txt'), '');
  wrong('notes.txt');
  expect(() => readOnnxFolder(path.join(root, 'none'))).toThrow('there is no such artifact');
});

test('a folder with something else in it is left alone', async () => {
  const folder = path.join(root, 'mine');
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'thesis.tex'), 'text');
  await expect(compileOnnx(source(), {}, folder)).rejects.toThrow('is no artifact, so it is not replaced');
  expect(readdirSync(folder)).toEqual(['thesis.tex']);
});

test('goes beside the artifacts', () => {
  expect(onnxFolder('clif3fc3dm_itout-b16x2-nmnist')).toMatch(/classification.Clif3fc3dm_itoutNm_onnx$/);
});

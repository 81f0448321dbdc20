import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { runBidl } from './run-bidl.js';

const QUICKSTART = 'clif3fc3dm_itout-b16x2-nmnist';
const CHECKPOINT = ['--checkpoint', 'run/latest.safetensors'];

let folder: string;
const bidl = (...args: string[]) => runBidl(args, { cwd: folder });
const json = async (...args: string[]) => {
  const { code, stdout, stderr } = await bidl(...args, '--json');
  if (code !== 0) throw new Error(stderr);
  expect(stdout.match(/\n/g)).toHaveLength(1);
  return JSON.parse(stdout) as Record<string, unknown>;
};
const failure = async (...args: string[]) => {
  const { code, stderr } = await bidl(...args);
  expect({ args, code }).toEqual({ args, code: 1 });
  expect(stderr).not.toMatch(/^\s+at /m);
  return stderr;
};

/** Every file of a folder with its bytes, in hex. */
const contents = (root: string) =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .map((file) => [path.relative(root, file), readFileSync(file).toString('hex')])
    .sort();

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'bidl-deploy-'));
  const made = await bidl('datasets', 'make', 'event-digits', '--out', 'data/event-digits', '--limit', '60');
  expect(made).toMatchObject({ code: 0 });
  const small = ['runner.max_epochs=2', 'lr_config.warmup_iters=2', 'data.workers_per_gpu=0'];
  const trained = await bidl(
    'train',
    QUICKSTART,
    '--work-dir',
    'run',
    '--seed',
    '1',
    '--cfg-options',
    ...small,
  );
  expect(trained).toMatchObject({ code: 0 });
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ARTIFACT = 'model_files/classification/Clif3fc3dm_itoutNm';

describe('bidl deploy', () => {
  it('compiles, runs the test set on the simulator, and proves it equal', async () => {
    const result = await json('deploy', QUICKSTART, ...CHECKPOINT);
    expect(result).toMatchObject({
      target: 'apu',
      artifact: path.join(folder, ARTIFACT),
      input_type: 'uint8',
      simulator_equal: true,
      host_flips_unexplained: 0,
    });
    expect(result['predictions_differ']).toBeLessThanOrEqual(1);
    expect(result['host_flip_rate']).toBeLessThan(1e-5);
    expect(result['fps']).toBeGreaterThan(0);
    expect(result['latency_ms']).toBeGreaterThan(0);
    const { top1 } = await json('test', QUICKSTART, ...CHECKPOINT);
    expect(result['top1']).toBe(top1);
  });

  it('takes the artifact that is there, if it is the right one', async () => {
    const legacy = ['deploy', QUICKSTART, ...CHECKPOINT, '--use-legacy', '1', '--compare', '0'];
    expect(await json(...legacy)).toMatchObject({ simulator_equal: true, host_flip_rate: null });
    expect(await failure(...legacy, '--cfg-options', 'model.backbone.timestep=20')).toContain(
      'another config',
    );
    expect(await failure(...legacy, '--b', '2')).toContain('there is no such artifact');
    expect(await failure(...legacy, '--device', '7')).toContain('DriverError: lyn');
    // The same network with one weight changed.
    const { loadSafetensors, writeSafetensors } = await import('@bidl/formats');
    const { tensors, metadata } = loadSafetensors(path.join(folder, 'run/latest.safetensors'));
    const bias = tensors.get('model/clif1/bias');
    if (!bias) throw new Error('the checkpoint has no model/clif1/bias');
    bias.data[0] = 7;
    writeFileSync(path.join(folder, 'run/other.safetensors'), writeSafetensors(tensors, metadata));
    expect(await failure(...legacy, '--checkpoint', 'run/other.safetensors')).toMatch(/another checkpoint/);

    const file = path.join(folder, ARTIFACT, 'Net_0/apu_0/apu_x/core.bin');
    const bytes = readFileSync(file);
    const damaged = Buffer.from(bytes);
    damaged[damaged.length >> 1] ^= 1;
    writeFileSync(file, damaged);
    expect(await failure(...legacy)).toContain('Net_0/apu_0/apu_x/core.bin');
    writeFileSync(file, bytes);
  });

  it('in batches and in half precision', async () => {
    const half = ['--storage', 'float16', '--input-type', 'float16', '--b', '4'];
    const result = await json('deploy', QUICKSTART, ...CHECKPOINT, ...half);
    expect(result).toMatchObject({
      artifact: path.join(folder, `${ARTIFACT}_b`),
      simulator_equal: true,
      batch: 4,
    });
    expect(await failure('deploy', QUICKSTART, ...CHECKPOINT, '--b', '3')).toContain(
      'would run 3 samples together on apu (rule batch-size); choose one of 1, 2, 4, 7, 14, 28',
    );
  });

  it('through onnxruntime', async () => {
    const result = await json('deploy', QUICKSTART, ...CHECKPOINT, '--target', 'onnx');
    expect(result).toMatchObject({
      target: 'onnx',
      artifact: path.join(folder, `${ARTIFACT}_onnx`),
      simulator_equal: null,
      host_flips_unexplained: 0,
    });
    expect(result['predictions_differ']).toBeLessThanOrEqual(1);
    const legacy = ['deploy', QUICKSTART, ...CHECKPOINT, '--target', 'onnx', '--use-legacy', '1', '--c'];
    expect(await json(...legacy)).toMatchObject({ top1: null });
    expect(await failure(...legacy, '--cfg-options', 'model.backbone.timestep=20')).toContain(
      'another config',
    );
  });

  it('is what upstream spells test --use_lyngor 1', async () => {
    const result = await json('test', QUICKSTART, ...CHECKPOINT, '--use_lyngor', '1', '--use_legacy', '1');
    expect(result).toMatchObject({ target: 'apu', simulator_equal: true });
  });
});

describe('bidl compile', () => {
  it('writes the same bytes wherever they go', async () => {
    await json('compile', QUICKSTART, ...CHECKPOINT, '--out', 'one');
    await json('compile', QUICKSTART, ...CHECKPOINT, '--out', 'two/three');
    expect(contents(path.join(folder, 'two/three'))).toEqual(contents(path.join(folder, 'one')));
  });

  it('shows and draws what it made', async () => {
    const { stdout } = await bidl('compile', QUICKSTART, ...CHECKPOINT, '--print', '--svg', 'graph.svg');
    expect(stdout).toContain('clif1/v  float32  [32, 32, 32]');
    expect(stdout).toContain('resetDecay(');
    expect(readFileSync(path.join(folder, 'graph.svg'), 'utf8')).toContain('<svg');
  });
});

test('bidl predict: host and device agree about recordings', async () => {
  const files = ['3', '7'].map((digit) => {
    const digits = path.join('data/event-digits/Test', digit);
    return path.join(digits, readdirSync(path.join(folder, digits))[0] ?? '');
  });
  const args = ['predict', QUICKSTART, ...files, ...CHECKPOINT];
  const [host, device] = [await json(...args), await json(...args, '--on', 'device')];
  const found = (result: Record<string, unknown>) =>
    (result['predictions'] as { class: number; name: string; confidence: number }[]).map((p) => [
      p.class,
      p.name,
    ]);
  expect(found(host)).toHaveLength(2);
  expect(found(device)).toEqual(found(host));
  expect(await failure(...args.slice(0, 2), 'nothing.bin', ...CHECKPOINT)).toContain('nothing.bin');
});

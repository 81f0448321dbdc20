import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { codeBlocks } from '@bidl/testing';

import { ROOT, runBidl } from './run-bidl.js';

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
    expect(Object.keys(result)).toEqual(
      expect.arrayContaining([
        ...['top1', 'fps', 'latency_ms', 'simulator_equal', 'host_flip_rate', 'predictions_differ'],
        ...['max_abs_diff', 'artifact', 'target'],
      ]),
    );
    expect(result).toMatchObject({
      target: 'apu',
      artifact: path.join(folder, ARTIFACT),
      input_type: 'uint8',
      simulator_equal: true,
      host_flips_unexplained: 0,
    });
    expect(result['predictions_differ']).toBeLessThanOrEqual(1);
    expect(result['host_flip_rate']).toBeLessThan(1e-5);
    const { top1 } = await json('test', QUICKSTART, ...CHECKPOINT);
    expect(result['top1']).toBe(top1);
  });

  it('does not take an artifact that is not the right one, or a device that is not there', async () => {
    const legacy = ['deploy', QUICKSTART, ...CHECKPOINT, '--use-legacy', '1'];
    expect(await failure(...legacy, '--cfg-options', 'model.backbone.timestep=20')).toContain(
      'another config',
    );
    expect(await failure(...legacy, '--device', '7')).toContain('device 7: there is only device 0');
    const file = path.join(folder, ARTIFACT, 'Net_0/apu_0/apu_x/core.bin');
    const bytes = readFileSync(file);
    const damaged = Buffer.from(bytes);
    damaged[damaged.length >> 1] ^= 1;
    writeFileSync(file, damaged);
    expect(await failure(...legacy)).toContain('Net_0/apu_0/apu_x/core.bin: the checksum differs');
    writeFileSync(file, bytes);
  });

  it('has upstream’s options, and shows a profile', async () => {
    const chip = ['--b', '4', '--v', '0', '--mode', '1', '--multinet', '1', '--post-mode', '1005'];
    const options = [...CHECKPOINT, ...chip, '--storage', 'float16', '--profiler', '--json'];
    const { code, stdout, stderr } = await bidl('deploy', QUICKSTART, ...options);
    expect(code).toBe(0);
    const result = JSON.parse(stdout) as Record<string, string>;
    expect(result).toMatchObject({ simulator_equal: true, batch: 4, storage: 'float16' });
    expect(stderr).toContain('--v 1 is taken');
    const manifest = JSON.parse(
      readFileSync(path.join(result.artifact, 'net_params.json'), 'utf8'),
    ) as object;
    expect(manifest).toMatchObject({
      batch: 4,
      target: { options: { version: 1, mode: 'glb', multinet: true, postMode: 1005, storage: 'float16' } },
    });
    expect(stderr).toMatch(/^clif1 +clif1\/conv2d +conv2d +[\d.]+ +[\d.]+ % +[\d,]+ +[\d.]+ %$/m);
    expect(JSON.parse(readFileSync(result.profile, 'utf8'))).toMatchObject({ batch: 4 });
    expect(await failure('deploy', QUICKSTART, ...CHECKPOINT, '--target', 'onnx', '--mode', '2')).toContain(
      'option mode is about the chip',
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
  });

  it('is what upstream spells test --use_lyngor 1', async () => {
    const upstream = ['--use_lyngor', '1', '--use_legacy', '1', '--multinet', '0', '--v', '0'];
    const result = await json('test', QUICKSTART, ...CHECKPOINT, ...upstream);
    expect(result).toMatchObject({ target: 'apu', simulator_equal: true });
  });

  it('can be interrupted: the artifact is whole, nothing half-written lies about', async () => {
    const args = ['deploy', QUICKSTART, ...CHECKPOINT, '--cfg-options', 'data.samples_per_gpu=1'];
    const { code, stderr } = await runBidl(args, {
      cwd: folder,
      onOutput: (text, child) => void (text.includes('test: ') && child.kill('SIGINT')),
    });
    // It may be through before it looks whether to stop.
    expect({ code, stderr }).toEqual({
      code: 130,
      stderr: expect.stringMatching(/Stopping[^]*\n(Stopped\.\n)?$/) as string,
    });
    expect(
      readdirSync(path.join(folder, 'model_files/classification')).filter((f) => f.startsWith('.')),
    ).toEqual([]);
    expect(await json('deploy', QUICKSTART, ...CHECKPOINT, '--use-legacy', '1', '--c')).toMatchObject({
      top1: null,
    });
  });
});

test('bidl compile shows and draws what it made', async () => {
  const { stdout } = await bidl('compile', QUICKSTART, ...CHECKPOINT, '--print', '--svg', 'graph.svg');
  expect(stdout).toContain('clif1/v  float32  [32, 32, 32]');
  expect(stdout).toContain('resetDecay(');
  expect(readFileSync(path.join(folder, 'graph.svg'), 'utf8')).toContain('<svg');
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

test('the program in the README of @bidl/deploy runs', () => {
  const [block] = codeBlocks(readFileSync(path.join(ROOT, 'packages/deploy/README.md'), 'utf8'));
  for (const name of ['configs', 'node_modules']) symlinkSync(path.join(ROOT, name), path.join(folder, name));
  const checkpoint = path.join(folder, 'work_dirs', QUICKSTART, 'best.safetensors');
  mkdirSync(path.dirname(checkpoint), { recursive: true });
  copyFileSync(path.join(folder, 'run/latest.safetensors'), checkpoint);
  const digits = path.join(folder, 'data/event-digits/Test/3');
  copyFileSync(path.join(digits, readdirSync(digits)[0] ?? ''), path.join(folder, 'digit.bin'));
  writeFileSync(path.join(folder, 'readme.mjs'), block?.code ?? '');
  const { status, stdout, stderr } = spawnSync(process.execPath, ['readme.mjs'], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, FORCE_COLOR: '0' },
  });
  expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(/^[\d.]+ 0 [\d.e-]+ true$/m);
});

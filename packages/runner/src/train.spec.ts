import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEngine, tf } from '@bidl/engine';
import { ndarray, writeSafetensors, saveFile } from '@bidl/formats';
import { readCheckpoint } from './checkpoint/read.js';
import { CheckpointError, CheckpointMismatchError } from './checkpoint/errors.js';
import { hooks, type Hook } from './hooks/hook.js';
import { InterruptedError } from './loop/errors.js';
import { test as testRun } from './test.js';
import { tinyConfig } from './testing/clips.js';
import { train, type TrainOptions } from './train.js';
import { z } from 'zod';

let dir = '';
beforeAll(() => startEngine());
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'bidl-train-'))));
afterEach(() => rmSync(dir, { recursive: true }));

const run = (options: TrainOptions = {}, changes = {}) =>
  train(tinyConfig(changes), { workDir: dir, ...options });
/** Every weight's name and the hash of its bits. */
const weightsIn = (path: string) =>
  [...readCheckpoint(path).weights].map(([name, { data }]) => [
    name,
    createHash('sha256')
      .update(data as Float32Array)
      .digest('hex'),
  ]);
const here = (name: string) => join(dir, name);

it('leaves checkpoints, a log and the resolved config, and no tensors', async () => {
  const before = tf.memory().numTensors;
  const result = await run();
  expect(tf.memory().numTensors).toBe(before);
  const log = readdirSync(dir).find((name) => /^\d{8}_\d{6}\.log$/.test(name))!;
  expect(readdirSync(dir).sort()).toEqual(
    [log, 'best.safetensors', 'config.json', 'latest.safetensors'].sort(),
  );
  expect(result).toMatchObject({
    workDir: dir,
    latest: here('latest.safetensors'),
    best: here('best.safetensors'),
    epochs: 2,
    iterations: 10,
    log: here(log),
  });
  expect(result.history.map((h) => h.epoch)).toEqual([1, 2]);
  expect(result.top1).toBe(Math.max(...result.history.map((h) => h.validation!.top1)));
  expect(JSON.parse(readFileSync(here('config.json'), 'utf8'))).toEqual(
    JSON.parse(JSON.stringify(tinyConfig())),
  );
  const text = readFileSync(here(log), 'utf8');
  expect(text).toMatch(
    /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} - cls - INFO - Epoch \[1\/2\]\[2\/5\]\tlr: [\d.e-]+ top-1: [\d.]+ top-5: [\d.]+ loss: [\d.]+/m,
  );
  expect(text).toMatch(/Epoch\(val\) \[2\/2\]\ttop-1: /);
  const { meta } = readCheckpoint(result.latest);
  expect(meta).toMatchObject({ epoch: 2, iter: 10, seed: 0, classes: ['row', 'column'], configName: 'run' });
});

it('holds as many tensors after 200 iterations of a real network as after 10', async () => {
  const counts = new Map<number, number>();
  hooks.register({
    type: 'TensorCount',
    schema: z.strictObject({}),
    build: (): Hook => ({ beforeIter: (runner) => void counts.set(runner.iter, tf.memory().numTensors) }),
  });
  const { data } = tinyConfig();
  const config = tinyConfig({
    data: { ...data, samples_per_gpu: 4 },
    optimizer: { type: 'SGD', lr: 0.01, momentum: 0.9, nesterov: true, weight_decay: 1e-4 },
    optimizer_config: { grad_clip: { max_norm: 5 } },
    runner: { type: 'EpochBasedRunner', max_epochs: 23 },
    checkpoint_config: { interval: 10 },
    custom_hooks: [{ type: 'TensorCount' }],
  });
  const { iterations } = await train(config, { workDir: dir });
  expect(iterations).toBe(207);
  expect(counts.get(200)).toBe(counts.get(10));
}, 180_000);

it('gives the same bits for the same seed, others for another', async () => {
  const weights = async (seed: number) => {
    const { latest } = await run({ seed });
    return weightsIn(latest);
  };
  const first = await weights(5);
  expect(await weights(5)).toEqual(first);
  expect(await weights(6)).not.toEqual(first);
});

it('killed in its second epoch and resumed, it ends with the bits of an unbroken run', async () => {
  const unbroken = await run({ workDir: join(dir, 'unbroken') });
  const workDir = join(dir, 'killed');
  await killDuring(workDir, 'iteration 2.2');
  const latest = join(workDir, 'latest.safetensors');
  expect(readCheckpoint(latest).meta?.epoch).toBe(1);
  const resumed = await run({ workDir, resumeFrom: latest });
  expect(weightsIn(latest)).toEqual(weightsIn(unbroken.latest));
  expect(weightsIn(resumed.best!)).toEqual(weightsIn(unbroken.best!));
  expect(resumed.history.map((h) => [h.lr, h.train, h.validation])).toEqual(
    unbroken.history.map((h) => [h.lr, h.train, h.validation]),
  );
}, 180_000);

/** Train in a process of its own, and kill it without warning once it prints `line`. */
function killDuring(workDir: string, line: string): Promise<void> {
  const at = join(__dirname, 'testing');
  const args = [
    '--conditions=@bidl/source',
    '--import',
    join(at, 'typescript.mjs'),
    join(at, 'train-child.ts'),
    workDir,
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3' } });
    let out = '';
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
      if (out.includes(line)) child.kill('SIGKILL');
    });
    child.on('error', reject);
    child.on('exit', (code, signal) =>
      signal === 'SIGKILL' ? resolve() : reject(new Error(`the run ended by itself (${code}):\n${errors}`)),
    );
  });
}

it('stops when asked, keeps the last epoch, and goes on from it', async () => {
  const stop = new AbortController();
  const reporter = {
    onIter: ({ epoch, iter }: { epoch: number; iter: number }) =>
      void (epoch === 2 && iter === 3 && stop.abort()),
  };
  const stopped = run({ signal: stop.signal, reporter });
  await expect(stopped).rejects.toThrow(InterruptedError);
  await expect(stopped).rejects.toThrow(
    `epoch 2 after iteration 3. Resume with --resume-from ${here('latest.safetensors')}`,
  );
  const { epochs } = await run({ resumeFrom: here('latest.safetensors') });
  expect(epochs).toBe(2);
});

it('starts from given weights, and from nothing else of their checkpoint', async () => {
  const first = await run({}, { runner: { type: 'EpochBasedRunner', max_epochs: 1 } });
  const lines: string[] = [];
  const frozen = { optimizer: { type: 'SGD', lr: 0 }, runner: { type: 'EpochBasedRunner', max_epochs: 1 } };
  const next = await run(
    { workDir: join(dir, 'next'), loadFrom: first.latest, reporter: { onLog: (line) => lines.push(line) } },
    frozen,
  );
  const kernels = (path: string) => weightsIn(path).filter(([name]) => String(name).endsWith('/kernel'));
  expect(kernels(next.latest)).toEqual(kernels(first.latest));
  expect(readCheckpoint(next.latest).meta?.epoch).toBe(1);
  expect(lines.join('\n')).toContain(`weights loaded from ${first.latest}`);
});

it('does not validate when told not to', async () => {
  const { best, top1 } = await run({ validate: false });
  expect([best, top1]).toEqual([undefined, undefined]);
  expect(readdirSync(dir)).not.toContain('best.safetensors');
});

it('runs the hooks of the config', async () => {
  const seen: number[] = [];
  hooks.register({
    type: 'EpochSpy',
    schema: z.strictObject({ from: z.number() }),
    build: ({ from }): Hook => ({ afterEpoch: (runner) => void seen.push(from + runner.epoch) }),
  });
  await train(
    { ...tinyConfig(), custom_hooks: [{ type: 'EpochSpy', from: 10 }] } as ReturnType<typeof tinyConfig>,
    {
      workDir: dir,
    },
  );
  expect(seen).toEqual([11, 12]);
});

it('has nothing to do for a finished run, and warns on another machine or seed', async () => {
  const { latest } = await run();
  const lines: string[] = [];
  const again = await run({ resumeFrom: latest, seed: 9, reporter: { onLog: (line) => lines.push(line) } });
  expect(again.epochs).toBe(2);
  expect(lines.join('\n')).toMatch(/had seed 0; it goes on with seed 9/);
  expect(lines.join('\n')).toMatch(/2 of 2 epochs are done/);
});

it('resumed in another folder, it takes the best checkpoint along; one that is lost is looked for anew', async () => {
  const one = { runner: { type: 'EpochBasedRunner', max_epochs: 1 } };
  const { latest, best } = await run({}, one);
  const [next, lost] = [join(dir, 'next'), join(dir, 'lost')];
  const unchanged = await run({ workDir: next, resumeFrom: latest }, one);
  expect(readFileSync(unchanged.best!).equals(readFileSync(best!))).toBe(true);
  expect(unchanged.latest).toBe(latest);
  rmSync(best!);
  const lines: string[] = [];
  const anew = await run({
    workDir: lost,
    resumeFrom: latest,
    reporter: { onLog: (line) => lines.push(line) },
  });
  expect(lines.join('\n')).toMatch(/best\.safetensors is missing/);
  expect(anew.bestEpoch).toBe(2);
});

it('warns when the data are not those of the checkpoint', async () => {
  const { latest } = await run();
  const lines: string[] = [];
  const { data } = tinyConfig();
  await run(
    { resumeFrom: latest, reporter: { onLog: (l) => lines.push(l) } },
    { data: { ...data, samples_per_gpu: 12 } },
  );
  expect(lines.join('\n')).toMatch(/10 iterations in 2 epochs, an epoch now has 3/);
});

describe('says what is wrong', () => {
  it('with a checkpoint to resume from', async () => {
    const { latest } = await run();
    await expect(run({ resumeFrom: here('nothing.safetensors') })).rejects.toThrow(
      /nothing\.safetensors can't be read/,
    );
    await expect(run({ resumeFrom: latest }, { optimizer: { type: 'SGD', lr: 0.1 } })).rejects.toThrow(
      /state of optimizer Adam, the config asks for SGD/,
    );
    const plain = here('plain.safetensors');
    await saveFile(plain, writeSafetensors(new Map([['x', ndarray(new Float32Array(1), [1])]]), {}));
    await expect(run({ resumeFrom: plain })).rejects.toThrow(CheckpointError);
    await expect(run({ resumeFrom: plain })).rejects.toThrow(/weights only.*--load-from/);
  });

  it('with a work dir that can not be made', async () => {
    await run({ validate: false });
    await expect(run({ workDir: here('config.json') })).rejects.toThrow(
      /work dir .*config\.json can't be used/,
    );
  });
});

describe('test', () => {
  it('gives accuracy over all samples, speed and engine', async () => {
    const { best } = await run();
    const before = tf.memory().numTensors;
    const seen: number[] = [];
    const reporter = { onEvaluate: ({ done }: { done: number }) => void seen.push(done) };
    const result = await testRun(tinyConfig(), { checkpoint: best!, reporter });
    expect(result).toMatchObject({ config: 'run', checkpoint: best, samples: 12, top5: 100 });
    expect(result.top1 / 100).toBeCloseTo(Math.round((result.top1 / 100) * 12) / 12, 9);
    expect(result.fps).toBeGreaterThan(0);
    expect(result.engine.backend).toBe('tensorflow');
    expect(seen).toEqual([1, 2]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses a network with fewer logits than the data have classes', async () => {
    const { data } = tinyConfig();
    const three = <T extends object>(split: T) => ({ ...split, classes: ['row', 'column', 'neither'] });
    await expect(run({}, { data: { ...data, train: three(data.train) } })).rejects.toThrow(
      'model.backbone.nclass: the network tells 2 classes apart, but the data set has 3 (row, column, neither); set nclass to 3',
    );
  });

  it('refuses the checkpoint of another network, and a config without a test split', async () => {
    const { best } = await run();
    const { model, data } = tinyConfig();
    const wider = tinyConfig({ model: { ...model, backbone: { ...model.backbone, nclass: 3 } } });
    const failing = testRun(wider, { checkpoint: best! });
    await expect(failing).rejects.toThrow(CheckpointMismatchError);
    await expect(failing).rejects.toThrow(/head\/4\/bias \(file \[2\], network \[3\]\)/);
    await expect(
      testRun(tinyConfig({ data: { ...data, test: null } }), { checkpoint: best! }),
    ).rejects.toThrow(/data\.test is missing/);
  });
});

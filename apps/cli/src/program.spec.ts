import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { ROOT, runBidl } from './run-bidl.js';

const QUICKSTART = 'clif3fc3dm_itout-b16x2-nmnist';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'bidl-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('bidl', () => {
  it('shows help and version without loading anything heavy', async () => {
    const { code, stdout, stderr } = await runBidl(['--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const command of ['train', 'test', 'configs', 'datasets', 'engine'])
      expect(stdout).toContain(command);
    const { version } = JSON.parse(readFileSync(path.join(ROOT, 'apps/cli/package.json'), 'utf8')) as {
      version: string;
    };
    expect((await runBidl(['--version'])).stdout).toBe(`${version}\n`);
    const built = readFileSync(path.join(ROOT, 'apps/cli/dist/main.js'), 'utf8');
    const imported = [...built.matchAll(/^import [^;]*? from ["']([^"']+)["']/gm)].map((match) => match[1]);
    expect(imported).toContain('commander');
    expect(imported.filter((name) => name?.startsWith('@'))).toEqual([]);
  });

  it.each([
    [['trian'], "unknown command 'trian'\n(Did you mean train?)"],
    [['train', QUICKSTART, '--sed', '1'], "unknown option '--sed'\n(Did you mean --seed?)"],
    [['train', QUICKSTART, '--seed', '1.5'], 'It must be a whole number, 0 or more.'],
    [['train', QUICKSTART, 'more'], 'too many arguments'],
    [['train'], 'name a config: bidl configs list shows them'],
    [['train', 'a', '--config', 'b'], 'two configs are given, "a" and --config "b"'],
    [['test', QUICKSTART], "required option '--checkpoint <file>' not specified"],
    [
      ['deploy', QUICKSTART, '--chekpoint', 'x'],
      "unknown option '--chekpoint'\n(Did you mean --checkpoint?)",
    ],
    [['predict', QUICKSTART, 'x.npy', '--chekpoint', 'x'], '(Did you mean --checkpoint?)'],
    [['import', 'x.pth', '--confg', 'x'], '(Did you mean --config?)'],
    [['test', QUICKSTART, '--checkpoint', 'x', '--mode', '1'], '--mode needs --use_lyngor 1'],
    [['deploy', QUICKSTART, '--checkpoint', 'x', '--mode', '3'], 'Allowed choices are 0, 1, 2.'],
    [['deploy', QUICKSTART, '--checkpoint', 'x', '--v', '2'], 'It must be 0 or 1.'],
    [['deploy', QUICKSTART, '--checkpoint', 'x', '--multi-net', '1'], '(Did you mean --multinet?)'],
    [['compile', QUICKSTART, '--checkpoint', 'x', '--b', '-1'], 'It must be a whole number, 0 or more.'],
    [['datasets', 'mke'], "unknown command 'mke'\n(Did you mean make?)"],
    [
      ['datasets', 'make', 'event-digit'],
      'no data set is called "event-digit". Did you mean "event-digits"?',
    ],
    [['datasets', 'make', 'N-MNIST'], "can't be made, only fetched: download"],
    [['engine', 'install', '--device', 'tpu'], "argument 'tpu' is invalid. Allowed choices are cpu, gpu."],
  ])('answers %j with usage and exit code 2', async (args, message) => {
    const { code, stdout, stderr } = await runBidl(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});

describe('bidl configs', () => {
  it('does not mind a reader that goes away', async () => {
    const { code, stderr } = await runBidl(['configs', 'list'], {
      onStart: (child) => child.stdout?.destroy(),
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('lists the configs of the checkout from anywhere', async () => {
    expect((await runBidl(['configs', 'list'])).stdout).toContain(QUICKSTART);
    const { stdout } = await runBidl(['configs', 'list', '--json'], { cwd: folder });
    expect(JSON.parse(stdout)).toContainEqual(
      expect.objectContaining({ name: QUICKSTART, model: 'clif3fc3dm_itout', data: 'nmnist' }),
    );
  });

  it('shows a config with overrides and defaults', async () => {
    const { code, stdout, stderr } = await runBidl([
      'configs',
      'show',
      QUICKSTART,
      '--cfg-options',
      'runner.max_epochs=7',
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      runner: { max_epochs: 7 },
      log_level: 'INFO',
      model: { type: 'ImageClassifier' },
    });
  });
});

describe('bidl datasets', () => {
  it('says where data sets come from', async () => {
    const { stdout } = await runBidl(['datasets', 'list'], { cwd: folder });
    expect(stdout).toMatch(/event-digits +NMNIST .*bidl datasets make event-digits/);
    const { stdout: json } = await runBidl(['datasets', 'list', '--json'], { cwd: folder });
    expect(JSON.parse(json)).toContainEqual(
      expect.objectContaining({ name: 'event-digits', here: false, makeable: true }),
    );
  });

  it('makes a small one, once', async () => {
    const args = [
      'datasets',
      'make',
      'event-digits',
      '--out',
      'digits',
      '--limit',
      '10',
      '--workers',
      '0',
      '--json',
    ];
    const first = await runBidl(args, { cwd: folder });
    expect(first.stderr).toContain('event-digits is ready in digits');
    expect(JSON.parse(first.stdout)).toEqual({
      name: 'event-digits',
      folder: path.join(folder, 'digits'),
      made: true,
    });
    expect(JSON.parse((await runBidl(args, { cwd: folder })).stdout)).toMatchObject({ made: false });
  });
});

describe('a config that is wrong', () => {
  const fails = async (args: readonly string[], cwd = ROOT) => {
    const { code, stdout, stderr } = await runBidl(args, { cwd });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).not.toMatch(/^\s+at /m);
    return stderr;
  };

  it('is told by its nearest name', async () => {
    expect(await fails(['train', 'clif3fc3dm_itout-b16x2-nmnst'])).toContain(`Did you mean "${QUICKSTART}"?`);
    expect(await fails(['train', '--config', `${QUICKSTART}.py`])).toContain(
      'is a Python file; configs here are TypeScript or JSON.',
    );
  });

  it('has all its faults listed, unknown keys and types of every kind', async () => {
    const stderr = await fails(
      [
        'train',
        QUICKSTART,
        '--cfg-options',
        'modl=1',
        'model.backbone.type=SeqClif3Fc3DmItot',
        'model.head.loss.type=LabelSmoothLos',
      ]
        .concat(
          'data.train.type=NMNISTT',
          'data.train.pipeline.2.type=RandomCropVidio',
          'data.val.pipeline.2.crop_sise=3',
        )
        .concat('optimizer.type=Adm', 'lr_config.policy=CosineAnealing', 'runner.type=EpochBasdRunner'),
    );
    for (const message of [
      'modl is not a known key. Did you mean "model"?',
      'model.backbone.type "SeqClif3Fc3DmItot" is unknown. Did you mean "SeqClif3Fc3DmItout"?',
      'model.head.loss.type "LabelSmoothLos" is unknown. Did you mean "LabelSmoothLoss"?',
      'data.train.type "NMNISTT" is unknown. Did you mean "NMNIST"?',
      'data.train.pipeline[2].type "RandomCropVidio" is unknown. Did you mean "RandomCropVideo"?',
      'data.val.pipeline[2].crop_sise is not a known key. Did you mean "crop_size"?',
      'optimizer.type "Adm" is unknown. Did you mean "Adam"?',
      'lr_config.policy "CosineAnealing" is unknown. Did you mean "CosineAnnealing"?',
      'runner.type "EpochBasdRunner" is unknown. Did you mean "EpochBasedRunner"?',
    ]) {
      expect(stderr).toContain(message);
    }
    expect(stderr).toMatch(/^ConfigError: 9 problems in configs\/classification/);
  });

  it('in the wrong folder is sent to the right one', async () => {
    const name = 'net_itout-b16x1-dvsmnist.json';
    mkdirSync(path.join(folder, 'configs/dvs'), { recursive: true });
    writeFileSync(path.join(folder, 'configs/dvs', name), '{}');
    const stderr = await fails(['train', `configs/dvs/${name}`], folder);
    expect(stderr).toContain(`configs/dvs/${name} is in the wrong folder`);
    expect(stderr).toMatch(/this one in configs\/\S+\/dvsmnist\/net\//);
  });

  it('is an override that leads nowhere', async () => {
    const stderr = await fails([
      'train',
      QUICKSTART,
      '--cfg-options',
      'data.samples_per_gpu',
      'data.train.pipeline.99.size=1',
      'data.samples_per_gpu.x=1',
    ]);
    expect(stderr).toContain('--cfg-options data.samples_per_gpu: write it as key=value');
    expect(stderr).toContain('data.train.pipeline is a list of 6, "99" is no index of it');
    expect(stderr).toContain('data.samples_per_gpu is 16, which has no keys');
  });

  it('names data that are not there, and how to get them', async () => {
    const stderr = await fails(['train', QUICKSTART, '--work-dir', path.join(folder, 'work')], folder);
    expect(stderr).toContain('bidl datasets make event-digits');
  });

  it('shows its stack when asked to', async () => {
    const { code, stderr } = await runBidl(['train', 'nothing-like-it', '--debug']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^\s+at /m);
  });
});

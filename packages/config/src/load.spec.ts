import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { registry, type ConfigError } from '@bidl/registry';
import { z } from 'zod';

import { loadConfig, type LoadOptions } from './index.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'bidl-config-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, content: string | object): string {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

const load = (name: string, options: LoadOptions = {}) => loadConfig(name, { cwd: folder, ...options });

async function fail(name: string, options: LoadOptions = {}): Promise<ConfigError> {
  try {
    await load(name, options);
  } catch (error) {
    expect((error as Error).name).toBe('ConfigError');
    return error as ConfigError;
  }
  throw new Error('it loaded');
}

const dataset = { type: 'Toy', data_prefix: './data/toy', pipeline: [{ type: 'Crop', size: 4 }] };
const good = {
  model: {
    type: 'ImageClassifier',
    backbone: { type: 'Net', timestep: 10 },
    neck: null,
    head: { type: 'ClsHead' },
  },
  data: { samples_per_gpu: 16, workers_per_gpu: 2, train: dataset, val: dataset, test: dataset },
  optimizer: { type: 'SGD', lr: 0.1 },
  optimizer_config: { grad_clip: null },
  lr_config: { policy: 'CosineAnnealing', min_lr: 0, warmup: 'linear', warmup_iters: 10, warmup_ratio: 0.1 },
  runner: { type: 'EpochBasedRunner', max_epochs: 4 },
  load_from: null,
};

beforeAll(() => {
  const offer = (kind: string, type: string, schema: z.ZodType) =>
    registry<null, unknown>(kind).register({ type, schema, build: () => null });
  offer('pipeline', 'Crop', z.strictObject({ size: z.int().positive() }));
  offer('dataset', 'Toy', z.looseObject({ data_prefix: z.string() }));
  offer('backbone', 'Net', z.strictObject({ timestep: z.int() }));
  offer('lr_policy', 'CosineAnnealing', z.looseObject({ min_lr: z.number() }));
  offer('optimizer', 'SGD', z.strictObject({ lr: z.number() }));
});

describe('loadConfig', () => {
  it('fills the defaults in and keeps arguments of types as written', async () => {
    write('run.json', good);
    const { config, name, warnings } = await load('run.json');
    expect(name).toBe('run');
    expect(warnings).toEqual([]);
    expect(config).toMatchObject({
      data: good.data,
      optimizer_config: { grad_clip: null },
      checkpoint_config: { interval: 1 },
      log_config: { interval: 50 },
      dist_params: null,
      log_level: 'INFO',
      workflow: [['train', 1]],
      resume_from: null,
      work_dir: null,
      seed: null,
      deterministic: false,
      custom_hooks: [],
      custom_imports: [],
    });
    expect(JSON.parse(JSON.stringify(config))).toEqual(config);
  });

  it('reads TypeScript with defineConfig wherever it lies, and named exports as upstream has them', async () => {
    write(
      'a.ts',
      `import { defineConfig } from '@bidl/config';\nconst lr: number = 0.5;\nexport default defineConfig({ ...${JSON.stringify(good)}, optimizer: { type: 'SGD', lr } });`,
    );
    expect((await load('a.ts')).config.optimizer).toEqual({ type: 'SGD', lr: 0.5 });
    const exports = Object.entries(good).map(
      ([key, value]) => `export const ${key} = ${JSON.stringify(value)};`,
    );
    write('b.mts', exports.join('\n'));
    expect((await load('./b.mts')).config.optimizer).toEqual(good.optimizer);
  });

  it('finds a bare name below configs/ of the working folder and of other roots', async () => {
    const file = write('configs/classification/dvs/toy/net/net-b16x2-toy.json', good);
    expect((await load('net-b16x2-toy')).path).toBe(file);
    expect((await load('net-b16x2-toy.json', { cwd: tmpdir(), roots: [folder] })).path).toBe(file);
  });

  it('suggests names for what it does not find', async () => {
    write('configs/classification/dvs/toy/net/net-b16x2-toy.json', good);
    expect((await fail('net-b16x2-toi')).message).toBe(
      'config "net-b16x2-toi" was not found below configs/. Did you mean "net-b16x2-toy"?',
    );
    expect((await fail('net-b16x2-toy.py')).message).toBe(
      'config "net-b16x2-toy.py" is a Python file; configs here are TypeScript or JSON. Did you mean "net-b16x2-toy"?',
    );
    expect((await fail('./x/net-b16x2-toy.json')).message).toContain(
      'config file "./x/net-b16x2-toy.json" does not exist.',
    );
    expect((await fail('quite-different-thing')).message).toContain('There are: net-b16x2-toy.');
  });

  it('refuses a name that two files have', async () => {
    write('configs/classification/dvs/toy/net/net-b16x2-toy.json', good);
    write('configs/classification/rgb/toy/net/net-b16x2-toy.json', good);
    expect((await fail('net-b16x2-toy')).message).toMatch(/ambiguous: .*dvs.*, .*rgb.*Give the path/);
  });

  it('says why a file can not be read', async () => {
    write('broken.ts', 'export default {');
    expect((await fail('broken.ts')).message).toMatch(/broken\.ts can't be read: /);
    write('broken.json', '{ "model": ');
    expect((await fail('broken.json')).message).toMatch(/broken\.json can't be read: .*JSON/);
    write('number.ts', 'export default 3;');
    expect((await fail('number.ts')).message).toContain('must export an object');
    write('notes.txt', 'x');
    expect((await fail('notes.txt')).message).toContain('it must end in .ts');
  });

  it('lists every problem at once, each with its place and the nearest name', async () => {
    const { data, ...rest } = good;
    write('bad.json', {
      ...rest,
      modle: {},
      model: { ...good.model, backbone: { type: 'Nett', timestep: 1 } },
      data: {
        ...data,
        samples_per_gpu: '16',
        worker_per_gpu: 1,
        train: { ...dataset, pipeline: [{ type: 'Crop', sise: 4, size: 4 }] },
      },
      lr_config: { policy: 'CosineAnealing', min_lr: 0 },
      log_level: 'LOUD',
    });
    const error = await fail('bad.json');
    expect(error.issues.map((issue) => issue.message).sort()).toEqual([
      'data.samples_per_gpu must be a number, not "16"',
      'data.train.pipeline[0].sise is not a known key. Did you mean "size"?',
      'data.worker_per_gpu is not a known key. Did you mean "workers_per_gpu"?',
      'log_level must be one of "DEBUG", "INFO", "WARNING", "ERROR", not "LOUD".',
      'lr_config.policy "CosineAnealing" is unknown. Did you mean "CosineAnnealing"?',
      'model.backbone.type "Nett" is unknown. Did you mean "Net"?',
      'modle is not a known key. Did you mean "model"?',
    ]);
    expect(error.message).toMatch(/^7 problems in bad\.json:\n {2}- /);
  });

  it('reports an override where it is wrong', async () => {
    write('run.json', good);
    const options = (...cfgOptions: string[]) => ({ cfgOptions });
    const { config } = await load(
      'run.json',
      options('data.samples_per_gpu=8', 'data.train.pipeline.0.size=2'),
    );
    expect(config.data.samples_per_gpu).toBe(8);
    expect(config.data.train.pipeline).toEqual([{ type: 'Crop', size: 2 }]);
    expect((await fail('run.json', options('data.samples_per_gpu=many'))).message).toBe(
      'data.samples_per_gpu must be a number, not "many" (set by --cfg-options) (in run.json)',
    );
    expect((await fail('run.json', options('data.sample_per_gpu=8'))).message).toContain(
      'data.sample_per_gpu is not a known key. Did you mean "samples_per_gpu"?',
    );
    expect((await fail('run.json', options('dta.samples_per_gpu=8'))).message).toContain(
      'dta is not a known key. Did you mean "data"?',
    );
    expect((await fail('run.json', options('data.train.pipeline.3.size=8'))).message).toContain(
      'data.train.pipeline is a list of 1, "3" is no index of it',
    );
    expect((await fail('run.json', options('seed'))).message).toContain(
      '--cfg-options seed: write it as key=value',
    );
  });

  it('takes the type of data sets from dataset_type', async () => {
    const untyped = { data_prefix: dataset.data_prefix, pipeline: dataset.pipeline };
    write('run.json', { ...good, dataset_type: 'Toy', data: { samples_per_gpu: 1, train: untyped } });
    const { config } = await load('run.json');
    expect(config.data.train.type).toBe('Toy');
    expect(config.data.test).toBeNull();
    expect(config.data.workers_per_gpu).toBe(1);
  });
});

describe('_base_', () => {
  it('merges objects, replaces lists, and resolves paths from the file that names them', async () => {
    write('_base_/all.json', good);
    write(
      'sub/run.ts',
      `export default { _base_: ['../_base_/all.json'], optimizer: { lr: 0.2 }, data: { train: { pipeline: [{ type: 'Crop', size: 1 }] } } };`,
    );
    const { config } = await load('sub/run.ts');
    expect(config.optimizer).toEqual({ type: 'SGD', lr: 0.2 });
    expect(config.data.train).toEqual({ ...dataset, pipeline: [{ type: 'Crop', size: 1 }] });
    expect(config.data.val).toEqual(dataset);
  });

  it('replaces an object that says _delete_', async () => {
    write('all.json', { ...good, lr_config: { policy: 'Other', steps: [1] } });
    write('run.json', {
      _base_: './all.json',
      lr_config: { _delete_: true, policy: 'CosineAnnealing', min_lr: 1 },
    });
    expect((await load('run.json')).config.lr_config).toEqual({ policy: 'CosineAnnealing', min_lr: 1 });
  });

  it('refuses circles, bases that clash and bases that are missing', async () => {
    write('a.json', { _base_: 'b.json' });
    write('b.json', { _base_: 'a.json' });
    expect((await fail('a.json')).message).toBe('_base_ goes round in a circle: a.json -> b.json -> a.json');
    write('c.json', { seed: 1 });
    write('d.json', { seed: 2 });
    write('e.json', { _base_: ['c.json', 'd.json'] });
    expect((await fail('e.json')).message).toContain('c.json and d.json both set "seed"');
    write('f.json', { _base_: 'none.json' });
    expect((await fail('f.json')).message).toContain('_base_ "none.json" of');
  });
});

describe('custom_imports', () => {
  const mine = `import { registry } from '@bidl/registry';
    registry('backbone').register({ type: 'Mine', schema: { safeParse: (data: unknown) => ({ success: true, data }) } as never, build: () => null });`;
  const modules = { '@bidl/registry': { registry } };
  const model = { ...good.model, backbone: { type: 'Mine' } };

  it.each([[['./mine.ts']], [{ imports: ['mine'], allow_failed_imports: false }], [{ imports: 'mine.ts' }]])(
    'loads the files of %j before types are checked',
    async (custom_imports) => {
      const file = write('mine.ts', mine);
      write('run.json', { ...good, model, custom_imports });
      expect((await load('run.json', { modules })).config.custom_imports).toEqual([file]);
    },
  );

  it('resolves those of a base from the base, and those of the command line from the working folder', async () => {
    const inner = write('bases/mine.ts', mine);
    write('bases/all.json', { ...good, model, custom_imports: ['./mine.ts'] });
    write('run.json', { _base_: 'bases/all.json' });
    expect((await load('run.json', { modules })).config.custom_imports).toEqual([inner]);
    const outer = write('other.ts', mine);
    const { config } = await load('run.json', { modules, cfgOptions: ['custom_imports=["other.ts"]'] });
    expect(config.custom_imports).toEqual([outer]);
  });

  it('names a file that is missing or broken', async () => {
    write('mine.ts', 'throw new Error("no luck");');
    write('run.json', { ...good, custom_imports: ['./mime.ts'] });
    expect((await fail('run.json')).message).toContain(
      'custom_imports[0] "./mime.ts" does not exist next to run.json. Did you mean "mine.ts"?',
    );
    write('run2.json', {
      ...good,
      model: { ...model, backbone: { type: 'Never' } },
      custom_imports: ['./mine.ts'],
    });
    expect((await fail('run2.json')).message).toMatch(
      /^custom_imports\[0\] .*mine\.ts can't be loaded: no luck/,
    );
  });
});

describe('names and folders', () => {
  it('refuses a config in the wrong folder and names the right one', async () => {
    write('configs/classification/dvs/dvs-toy/net/other-b1x1-dvstoy.json', good);
    const misplaced = async (place: string) => {
      write(place, good);
      return (await fail(place)).message;
    };
    expect(await misplaced('configs/net_itout-b16x2-dvstoy.json')).toBe(
      'configs/net_itout-b16x2-dvstoy.json is in the wrong folder: it is 0 folders deep, not 4. ' +
        'A config belongs in configs/<task>/<category>/<dataset>/<model>/<file>, ' +
        'this one in configs/classification/dvs/dvs-toy/net/net_itout-b16x2-dvstoy.json (in configs/net_itout-b16x2-dvstoy.json)',
    );
    expect(await misplaced('applications/classification/dvs/jester/net/net-b16x2-toy.json')).toContain(
      'its name says the data set "toy", its folder "jester"',
    );
    expect(await misplaced('configs/classification/dvs/dvs-toy/web/net-b16x2-dvstoy.json')).toContain(
      'its name says the model "net", its folder "web"',
    );
  });

  it('leaves bases and files elsewhere alone', async () => {
    write('configs/_base_/all.json', good);
    write('elsewhere/whatever.json', good);
    expect((await load('configs/_base_/all.json')).name).toBe('all');
    expect((await load('elsewhere/whatever.json')).warnings).toEqual([]);
  });

  it('warns where the name contradicts the content, not where an override does', async () => {
    const place = 'configs/classification/dvs/toy/net/net-b16x2-toy.json';
    write(place, good);
    expect((await load(place, { cfgOptions: ['data.samples_per_gpu=2'] })).warnings).toEqual([]);
    const liar = 'configs/classification/dvs/jester/net/net-b8x4-16-jester-cos160e.json';
    write(liar, { ...good, lr_config: { policy: 'CosineAnnealing', min_lr: 0 } });
    expect((await load(liar)).warnings).toEqual([
      'the name "net-b8x4-16-jester-cos160e" says batch size 8, but data.samples_per_gpu is 16',
      'the name "net-b8x4-16-jester-cos160e" says worker threads 4, but data.workers_per_gpu is 2',
      'the name "net-b8x4-16-jester-cos160e" says epochs 160, but runner.max_epochs is 4',
      'the name "net-b8x4-16-jester-cos160e" says time steps 16, but model.backbone.timestep is 10',
      'the name "net-b8x4-16-jester-cos160e" says the data set "jester", but data.train.type is Toy',
    ]);
    const odd = 'configs/classification/dvs/toy/net/odd.json';
    write(odd, good);
    expect((await load(odd)).warnings[0]).toContain('does not follow the rule model-training-data');
  });
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { checkConfig, missingData, toJsonSchema } from './index.js';

const dataset = { type: 'Toy', data_prefix: 'data/train', pipeline: [] };
const config = {
  model: { type: 'ImageClassifier', backbone: { type: 'Net' }, head: { type: 'ClsHead' } },
  data: { samples_per_gpu: 2, train: dataset, test: { ...dataset, data_prefix: 'data/test' } },
  optimizer: { type: 'SGD' },
  lr_config: { policy: 'Fixed' },
  runner: { max_epochs: 1 },
};

describe('checkConfig', () => {
  it('takes null for every section that upstream sets to None', () => {
    const none = Object.fromEntries(
      [
        'optimizer_config',
        'checkpoint_config',
        'log_config',
        'dist_params',
        'load_from',
        'resume_from',
        'workflow',
        'work_dir',
        'seed',
        'deterministic',
        'custom_imports',
        'log_level',
      ].map((key) => [key, null]),
    );
    expect(checkConfig({ ...config, ...none })).toEqual(checkConfig(config));
  });

  it('names the missing sections', () => {
    expect(() => checkConfig({})).toThrow(/^4 problems:\n {2}- model is missing: an object is needed here\n/);
    expect(() => checkConfig(null)).toThrow('the config must be an object, not null');
  });
});

describe('missingData', () => {
  it('finds prefixes without folder or file', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'bidl-data-'));
    mkdirSync(path.join(folder, 'data'));
    writeFileSync(path.join(folder, 'data', 'train.pkl'), '');
    expect(missingData(checkConfig(config), ['train', 'val', 'test'], folder)).toEqual([
      { split: 'test', type: 'Toy', data_prefix: 'data/test' },
    ]);
    rmSync(folder, { recursive: true });
  });
});

describe('toJsonSchema', () => {
  it('knows the sections and asks for none, since a base may bring them', () => {
    const schema = toJsonSchema();
    expect(Object.keys(schema['properties'] as object)).toEqual(
      expect.arrayContaining(['_base_', 'model', 'data', 'optimizer', 'runner']),
    );
    expect(schema['required']).toEqual([]);
  });
});

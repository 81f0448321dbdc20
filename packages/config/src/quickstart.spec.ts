import path from 'node:path';

import { listConfigs, loadConfig } from './index.js';

const root = path.resolve(__dirname, '../../..');

describe('the configs that come with bidl', () => {
  it.each(listConfigs([root]).map((found) => [found.name]))(
    '%s loads and keeps to the rules',
    async (name) => {
      const { config, warnings } = await loadConfig(name, { cwd: root });
      expect(warnings).toEqual([]);
      expect(config.model.type).toBe('ImageClassifier');
    },
  );

  it('include the quickstart', () => {
    expect(listConfigs([root]).map((found) => found.name)).toContain('clif3fc3dm_itout-b16x2-nmnist');
  });
});

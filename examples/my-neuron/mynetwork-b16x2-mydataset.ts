import { defineConfig } from '@bidl/config';
import base from '../my-dataset/clif3fc3dm_itout-b16x2-mydataset.js';

const data = (split: 'train' | 'val' | 'test') => ({
  ...base.data[split],
  data_prefix: `../my-dataset/data/mydataset/${split}`,
});

export default defineConfig({
  ...base,
  custom_imports: ['../my-dataset/my-dataset.ts', './my-network.ts'],
  model: { ...base.model, backbone: { type: 'MyNetwork', nclass: 10 } },
  data: { ...base.data, train: data('train'), val: data('val'), test: data('test') },
});

import { defineConfig } from '@bidl/config';

/** The quickstart at the size that the chip's published figure is for: 20 steps of 2x40x40. */
const timestep = 20;
const load = [
  { type: 'LoadEvents' },
  { type: 'EventsToFrames', T: timestep, split_by: 'number', height: 34, width: 34 },
  { type: 'RandomCropVideo', size: 40, padding: 3 },
];
const pipeline = [
  ...load,
  { type: 'ToTensorType', keys: ['img'], dtype: 'float32' },
  { type: 'ToTensor', keys: ['gt_label'] },
  { type: 'Collect', keys: ['img', 'gt_label'] },
];

export default defineConfig({
  _base_: '../../configs/classification/dvs/nmnist/clif3fc3dm/clif3fc3dm_itout-b16x2-nmnist.ts',
  model: { backbone: { timestep, h: 40, w: 40 } },
  data: { train: { pipeline }, val: { pipeline }, test: { pipeline } },
  runner: { max_epochs: 2 },
});

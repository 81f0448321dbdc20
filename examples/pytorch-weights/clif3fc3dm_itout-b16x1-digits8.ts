import { defineConfig } from '@bidl/config';

/** A small network for a PyTorch checkpoint that lies in this checkout: three steps of the middle 8x8 pixels. */
const timestep = 3;
const size = 8;

const test = {
  type: 'NMNIST',
  data_prefix: './data/event-digits/Test',
  pipeline: [
    { type: 'LoadEvents' },
    { type: 'EventsToFrames', T: timestep, split_by: 'number', height: 34, width: 34 },
    { type: 'CenterCropVideo', crop_size: size },
    { type: 'ToTensorType', keys: ['img'], dtype: 'float32' },
    { type: 'ToTensor', keys: ['gt_label'] },
    { type: 'Collect', keys: ['img', 'gt_label'] },
  ],
  test_mode: true,
};

export default defineConfig({
  model: {
    type: 'ImageClassifier',
    backbone: {
      type: 'SeqClif3Fc3DmItout',
      timestep,
      input_channels: 2,
      h: size,
      w: size,
      nclass: 10,
      cmode: 'analog',
    },
    head: { type: 'ClsHead', loss: { type: 'CrossEntropyLoss' } },
  },
  data: { samples_per_gpu: 16, workers_per_gpu: 0, train: test, val: null, test },
  optimizer: { type: 'SGD', lr: 0.01 },
  lr_config: { policy: 'fixed' },
  runner: { type: 'EpochBasedRunner', max_epochs: 1 },
});

import { defineConfig } from '@bidl/config';

const dataset_type = 'MyDateset';
const train_pipeline = [
  { type: 'ToNdarr', dtype: 'uint8' },
  { type: 'RandomCropVideo', size: 8, padding: [1, 0] },
  { type: 'ToTensorType', keys: ['img'], dtype: 'float32' },
  { type: 'ToTensor', keys: ['gt_label'] },
  { type: 'Collect', keys: ['img', 'gt_label'] },
];
const test_pipeline = [
  { type: 'ToNdarr', dtype: 'float32' },
  { type: 'Collect', keys: ['img', 'gt_label'] },
];

export default defineConfig({
  custom_imports: ['./my-dataset.ts'],
  model: {
    type: 'ImageClassifier',
    backbone: {
      type: 'SeqClif3Fc3DmItout',
      timestep: 4,
      input_channels: 2,
      h: 8,
      w: 8,
      nclass: 10,
      cmode: 'analog',
    },
    neck: null,
    head: {
      type: 'ClsHead',
      loss: { type: 'LabelSmoothLoss', label_smooth_val: 0.1 },
      topk: [1, 5],
      cal_acc: true,
    },
  },
  data: {
    samples_per_gpu: 16,
    workers_per_gpu: 2,
    train: {
      type: dataset_type,
      data_prefix: './data/mydataset/train',
      pipeline: train_pipeline,
      test_mode: false,
    },
    val: {
      type: dataset_type,
      data_prefix: './data/mydataset/val',
      pipeline: test_pipeline,
      test_mode: true,
    },
    test: {
      type: dataset_type,
      data_prefix: './data/mydataset/test',
      pipeline: test_pipeline,
      test_mode: true,
    },
  },
  optimizer: { type: 'Adam', lr: 0.002 },
  optimizer_config: { grad_clip: null },
  lr_config: { policy: 'CosineAnnealing', min_lr: 0 },
  runner: { type: 'EpochBasedRunner', max_epochs: 5 },
  checkpoint_config: { interval: 1 },
  log_config: { interval: 50 },
});

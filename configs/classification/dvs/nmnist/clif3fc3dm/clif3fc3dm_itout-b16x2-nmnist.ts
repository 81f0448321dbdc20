import { defineConfig } from '@bidl/config';

/**
 * Quickstart: handwritten digits seen by an event camera. `bidl datasets make event-digits` makes them out of
 * real digits; the published N-MNIST fits in the same place.
 */
const timestep = 10;

const model = {
  type: 'ImageClassifier',
  backbone: {
    type: 'SeqClif3Fc3DmItout',
    timestep,
    input_channels: 2,
    h: 32,
    w: 32,
    nclass: 10,
    cmode: 'spike',
    amode: 'mean',
    // Twice the usual threshold: with 0.5 a normalised membrane fires in every third step, nearly every 2x2 pool holds a
    // spike, and the first epochs have little to learn from.
    soma_params: { alpha: 0.3, beta: 0, theta: 1.0, v_0: 0 },
    noise: 0,
    neuron: 'lif',
    neuron_config: null,
  },
  neck: null,
  head: {
    type: 'ClsHead',
    loss: { type: 'LabelSmoothLoss', label_smooth_val: 0.1, loss_weight: 1.0 },
    topk: [1, 5],
    cal_acc: true,
  },
};

const dataset_type = 'NMNIST';
const load = [
  { type: 'LoadEvents' },
  { type: 'EventsToFrames', T: timestep, split_by: 'number', height: 34, width: 34 },
];
const collect = [
  { type: 'ToTensorType', keys: ['img'], dtype: 'float32' },
  { type: 'ToTensor', keys: ['gt_label'] },
  { type: 'Collect', keys: ['img', 'gt_label'] },
];
const train_pipeline = [...load, { type: 'RandomCropVideo', size: 32, padding: 0 }, ...collect];
const test_pipeline = [...load, { type: 'CenterCropVideo', crop_size: 32 }, ...collect];

export default defineConfig({
  model,
  data: {
    samples_per_gpu: 16,
    workers_per_gpu: 2,
    train: { type: dataset_type, data_prefix: './data/event-digits/Train', pipeline: train_pipeline },
    val: {
      type: dataset_type,
      data_prefix: './data/event-digits/Val',
      pipeline: test_pipeline,
      test_mode: true,
    },
    test: {
      type: dataset_type,
      data_prefix: './data/event-digits/Test',
      pipeline: test_pipeline,
      test_mode: true,
    },
  },

  optimizer: { type: 'Adam', lr: 0.002 },
  optimizer_config: { grad_clip: null },
  lr_config: {
    policy: 'CosineAnnealing',
    by_epoch: false,
    min_lr: 0,
    warmup: 'linear',
    warmup_iters: 50,
    warmup_ratio: 0.01,
  },
  runner: { type: 'EpochBasedRunner', max_epochs: 4 },

  checkpoint_config: { interval: 1 },
  log_config: { interval: 50 },
  log_level: 'INFO',
  load_from: null,
  resume_from: null,
});

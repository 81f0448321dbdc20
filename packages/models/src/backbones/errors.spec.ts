import { startEngine, tf } from '@bidl/engine';
import { ConfigError } from '@bidl/registry';
import { CrossEntropyLoss } from '../losses/cross-entropy.js';
import { backbones } from './backbone.js';
import './builtin.js';

beforeAll(async () => {
  await startEngine({ backend: 'cpu' });
});

const FRAMES = [4, 32, 32, 2];
const RESNET = { type: 'ResNetLifItout', depth: 18, nclass: 10 };
const PIECE = { ...RESNET, type: 'ResNetLifItout_MP', depth: 50 };

test.each([
  [
    'split outside the block list',
    { ...PIECE, split: [8, 17] },
    'model.backbone.split is [8, 17], but a network of depth 50 has the blocks 0 to 15; give [first, end) with 0 <= first < end <= 16',
  ],
  ['split that holds no block', { ...PIECE, split: [8, 8] }, 'model.backbone.split is [8, 8]'],
  ['split of one number', { ...PIECE, split: [8] }, 'model.backbone.split'],
  [
    'split of a network that has no pieces',
    { ...RESNET, split: [0, 4] },
    'model.backbone.split is not a known key',
  ],
  ['depth not offered', { ...RESNET, depth: 19 }, /model\.backbone\.depth.*10.*18.*34.*50.*101.*152/],
  ['number of classes that is none', { ...RESNET, nclass: 0 }, 'model.backbone.nclass'],
  ['number of classes missing', { type: 'ResNetLifItout', depth: 18 }, 'model.backbone.nclass is missing'],
  [
    "a channel count that isn't the samples'",
    { ...RESNET, input_channels: 3 },
    'model.backbone.input_channels is 3, but the samples have 2; set it to 2, or change the pipeline (crop, resize)',
  ],
  ["by upstream's other name", { ...RESNET, c0: 1 }, 'model.backbone.c0 is 1, but the samples have 2'],
  [
    'two spellings that differ',
    { ...RESNET, h: 32, h0: 40 },
    'model.backbone.h is 32 and model.backbone.h0 is 40: they mean the same, keep one',
  ],
  [
    'norm for another number of channels',
    { ...RESNET, norm: { mean: [1, 2, 3], std: [1, 1, 1] } },
    /standardize.*3.*2/,
  ],
  [
    'pooling over time where steps stay apart',
    { ...RESNET, down_t: [2, 'avg'] },
    'model.backbone.down_t[0] must be 1',
  ],
  [
    "steps that pooling over time can't split",
    { ...RESNET, type: 'ResNetLif', down_t: [3, 'avg'] },
    "model.backbone.down_t makes one of every 3 steps, which 4 steps can't be split into",
  ],
  [
    'LIF+ features for LIF',
    { ...RESNET, neuron_config: [1, false, 0, 0, 0, 0] },
    'model.backbone.neuron_config belongs to neuron "lifplus"',
  ],
  ['a misspelt argument', { ...RESNET, low_resolution: true }, 'Did you mean "low_resolut"?'],
  ['a misspelt network', { ...RESNET, type: 'ResnetLifItout' }, 'Did you mean "ResNetLifItout"?'],
  [
    'frames that pooling leaves nothing of',
    { type: 'SeqClif5Fc2DmItout' },
    'model.backbone.h is 32: 5 poolings leave nothing of it; use samples of',
  ],
] as const)('%s', (_, config, message) => {
  const build = () => backbones.build(config, { inputShape: FRAMES, seed: 0 }, 'model.backbone');
  expect(build).toThrow(message);
});

test('such an error names the place', () => {
  const build = () =>
    backbones.build({ ...PIECE, split: [9, 3] }, { inputShape: FRAMES, seed: 0 }, 'model.backbone');
  expect(build).toThrow(ConfigError);
  expect(build).toThrow(
    expect.objectContaining({
      issues: [expect.objectContaining({ place: 'model.backbone.split' })],
    }) as Error,
  );
});

test('networks without images refuse them, and the other way round', () => {
  const text = () =>
    backbones.build({ type: 'FastTextItout', vocab_size: 9, timestep: 4 }, { inputShape: FRAMES, seed: 0 });
  expect(text).toThrow('takes texts of token ids, [T], but a sample is [4, 32, 32, 2]');
  const sound = () =>
    backbones.build({ type: 'SeqRlif2Fc1ShdItout', input_features: 700 }, { inputShape: [4, 70], seed: 0 });
  expect(sound).toThrow('model.backbone.input_features is 700, but the samples have 70');
  const image = () => backbones.build(RESNET, { inputShape: [4, 70], seed: 0 });
  expect(image).toThrow('takes images over time, [T, H, W, C], but a sample is [4, 70]');
});

test('labels out of range name the sample and the remedy', () => {
  const logits = tf.zeros([2, 3]);
  expect(() => new CrossEntropyLoss().compute(logits, [0, 3])).toThrow(
    'label 3 of sample 1 is out of range: the network has 3 classes, 0 to 2; set nclass in model.backbone',
  );
  logits.dispose();
});

import { TCJA, TemporalWiseAttention } from '@bidl/neurons';
import { ConfigError } from '@bidl/registry';
import { z } from 'zod';
import { frameShape, frameSizes, neuronShape, timeShape } from './args.js';
import { backbones } from './backbone.js';
import { cells } from './vocabulary/cells.js';
import { avgPool, chain, flatten, layer, linear, network, together, type Piece } from './vocabulary/piece.js';

const size = z.number().int().positive();

const schema = z.strictObject({
  timestep: size.default(10).describe('time steps of a sample'),
  nclass: size.default(10).describe('number of classes'),
  ...frameShape,
  ...neuronShape({ noise: 0 }),
  ...timeShape,
  statistics: timeShape.statistics.unwrap().default('sequence'),
});

/** The side that large frames are averaged down to. */
const SIDE = 48;

/**
 * VGG with attention over time and channels, for CIFAR10-DVS.
 *
 *     pool1 to 48x48 - conv1 64 - conv2 128 - pool2 - conv3 256 - conv4 256 - twa1 - pool3 - conv5 512 - conv6 512 -
 *     pool4 - conv7 512 - conv8 512 - tcja - twa2 - pool5 - flat - fc/1 nclass - mean over time
 *
 * 3x3 convolutions, BatchNorm over the sequence, neurons; average pooling. Attention looks at the whole sequence, so
 * the network has a sequence form only. Frames of 96 and more are averaged to 48x48 by overlapping windows with stride
 * 2, smaller ones are taken as they are. 10,058,430 trainable parameters at 128x128, ten steps, ten classes.
 *
 * Source: Lynxi BIDL 1.9, `vgg_cifar10dvs/backboneIt.py`, which is right for a batch of one only: it mixes samples.
 *
 * @returns a model from `[B, T, H, W, C]` to logits `[B, nclass]`
 */
backbones.register({
  type: 'AttentionVGGNet',
  schema,
  build: (args, { inputShape, seed }) => {
    const { steps, h, w, c } = frameSizes(args, inputShape);
    if (steps === null)
      throw new ConfigError('model.backbone needs a fixed number of time steps', 'model.backbone');
    const cell = cells(args, seed);
    const conv = (name: string, channels: number) => cell.conv(name, channels, { norm: 'before' });
    const attend = (name: string): Piece => layer(() => new TemporalWiseAttention({ T: steps, seed, name }));
    const joint: Piece = layer(() => new TCJA({ T: steps, channel: 512, seed, name: 'tcja' }));
    const large = Math.min(h, w) >= 2 * SIDE;
    const classify = linear('fc/1', args.nclass, { seed });
    const meet = together(args.amode);
    return network(
      'AttentionVGGNet',
      [steps, h, w, c],
      chain(
        ...(large ? [avgPool('pool1', Math.min(h, w) - 2 * (SIDE - 1), { stride: 2 })] : []),
        conv('conv1', 64),
        conv('conv2', 128),
        avgPool('pool2', 2),
        conv('conv3', 256),
        conv('conv4', 256),
        attend('twa1'),
        avgPool('pool3', 2),
        conv('conv5', 512),
        conv('conv6', 512),
        avgPool('pool4', 2),
        conv('conv7', 512),
        conv('conv8', 512),
        joint,
        attend('twa2'),
        avgPool('pool5', 2),
        flatten(),
        ...(args.aggregate === 'logits' ? [classify, meet] : [meet, classify]),
      ),
    );
  },
});

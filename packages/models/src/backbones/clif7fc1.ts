import { imageShape, innerLoop, lifPlusPreset } from './args.js';
import { registerSequential, type SequentialPlan } from './vocabulary/sequential.js';

/**
 * Seven spiking convolutions and one linear layer, for 128x128 event data.
 *
 *     clif1 64 - clif2 64 - clif3 128 - clif4 128 - clif5 256 - clif6 256 - clif7 512 - flat - fc nclass
 *
 * 3x3 kernels; 2x2 max-pooling between each convolution and its neurons (behind the neurons in SeqClif7Fc1CdIt, as
 * upstream). The mean over time is over the sample's steps. 2,333,451 trainable parameters at two channels, 11 classes.
 *
 * Source: Lynxi BIDL 1.9, `dvs_gesture/backbone.py`, `cifar10dvs/vgg_cifar10dvs/backbone.py`.
 */
export const CLIF7FC1: SequentialPlan = {
  convolutions: [64, 64, 128, 128, 256, 256, 512].map((channels) => ({ channels })),
  pooling: 'inside',
  head: [['fc', 'classes']],
  mean: 'steps',
};

const outer = { timestep: 60, nclass: 11, noise: 1e-3 };
const inner = { timestep: 16, nclass: 11 };

registerSequential(CLIF7FC1, {
  SeqClif7Fc1DgItout: imageShape(outer),
  SeqClif7Fc1CdItout: imageShape(outer),
  SeqClif7Fc1DgIt: { ...imageShape(inner), ...innerLoop },
  SeqClifplus7Fc1DgItout: { ...imageShape(outer), ...lifPlusPreset },
  SeqClifplus7Fc1CdItout: { ...imageShape(outer), ...lifPlusPreset },
});
registerSequential(
  { ...CLIF7FC1, pooling: 'behind' },
  { SeqClif7Fc1CdIt: { ...imageShape(inner), ...innerLoop } },
);

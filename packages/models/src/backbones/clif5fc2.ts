import { imageShape, innerLoop, lifPlusPreset } from './args.js';
import { registerSequential, type SequentialPlan } from './vocabulary/sequential.js';

/**
 * Five spiking convolutions and two linear layers, for 128x128 event data.
 *
 *     clif1 32 (5x5, stride 2) - mp1 - clif2 64 - mp2 - clif3 128 - mp3 - clif4 256 - mp4 - clif5 512 - mp5 - flat -
 *     head/0 512 - head/2 nclass
 *
 * The `Dm` form divides the sum over time by `timestep`, the `Cd` form by the sample's number of steps. 2,625,514
 * trainable parameters at 128x128, two channels, ten classes.
 *
 * Source: Lynxi BIDL 1.9, `dvs_mnist/backbone.py`, `cifar10dvs/vgg_cifar10dvs/backbone.py`.
 */
export const CLIF5FC2: SequentialPlan = {
  convolutions: [
    { channels: 32, kernel: 5, stride: 2 },
    { channels: 64 },
    { channels: 128 },
    { channels: 256 },
    { channels: 512 },
  ],
  pooling: 'behind',
  head: [
    ['head/0', 512],
    ['head/2', 'classes'],
  ],
  mean: 'timestep',
};

const digits = imageShape({ timestep: 20, nclass: 10 });
const objects = imageShape({ timestep: 10, nclass: 10 });

registerSequential(CLIF5FC2, {
  SeqClif5Fc2DmItout: digits,
  SeqClif5Fc2DmIt: { ...digits, ...innerLoop },
  SeqClifplus5Fc2DmItout: { ...digits, ...lifPlusPreset },
});
registerSequential(
  { ...CLIF5FC2, mean: 'steps' },
  {
    SeqClif5Fc2CdItout: objects,
    SeqClif5Fc2CdIt: { ...objects, ...innerLoop },
    SeqClifplus5Fc2CdItout: { ...objects, ...lifPlusPreset },
  },
);

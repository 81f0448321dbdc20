import { imageShape, innerLoop, lifPlusPreset } from './args.js';
import { registerSequential, type SequentialPlan } from './vocabulary/sequential.js';

/**
 * Three spiking convolutions and three linear layers, for event data of up to some 64x64.
 *
 *     clif1 32 - mp1 - clif2 64 - mp2 - clif3 128 - mp3 - flat - head/0 512 - head/2 128 - head/4 nclass
 *
 * 3x3 kernels, BatchNorm on input + membrane, 2x2 max-pooling. The sum over time is divided by `timestep`, whatever T
 * the samples have. 1,799,274 trainable parameters at 40x40, two channels, ten classes.
 *
 * Source: Lynxi BIDL 1.9, `dvs_mnist/backbone.py`, `luna16cls/backbone.py`, `spikegen/clif3fc3mn/backbone.py` (where
 * MNIST has the names of MNIST-DVS). Its linear layers flatten channels first, ours channels last.
 */
export const CLIF3FC3: SequentialPlan = {
  convolutions: [{ channels: 32 }, { channels: 64 }, { channels: 128 }],
  pooling: 'behind',
  head: [
    ['head/0', 512],
    ['head/2', 128],
    ['head/4', 'classes'],
  ],
  mean: 'timestep',
};

const digits = imageShape({ timestep: 20, nclass: 10 });
const nodules = imageShape({ timestep: 8, nclass: 2 });

registerSequential(CLIF3FC3, {
  SeqClif3Fc3DmItout: digits,
  SeqClif3Fc3DmIt: { ...digits, ...innerLoop },
  SeqClifplus3Fc3DmItout: { ...digits, ...lifPlusPreset },
  SeqClif3Fc3MNISTItout: digits,
  SeqClifplus3Fc3MNISTItout: { ...digits, ...lifPlusPreset },
  SeqClif3Fc3LcItout: nodules,
  SeqClifplus3Fc3LcItout: { ...nodules, ...lifPlusPreset },
});

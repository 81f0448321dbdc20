import { z } from 'zod';
import { imageShape, lifPlusPreset } from './args.js';
import { registerSequential, type SequentialPlan } from './vocabulary/sequential.js';

/**
 * Three spiking convolutions and two spiking linear layers, for gestures of up to some 64x64.
 *
 *     norm - clif1 64 - clif2 128 - clif3 256 - flat - flif1 256 - flif2 nclass
 *
 * 3x3 kernels with stride 2, BatchNorm on the frames, and on input + membrane. The output is the mean of the last
 * layer's spikes over the sample's steps. 2,013,157 trainable parameters at 40x40, two channels, 11 classes.
 *
 * Source: Lynxi BIDL 1.9, `dvs_gesture/backbone.py`, `rgbgesture/backbone.py` (where RGB gestures have the names of DVS-Gesture).
 */
export const CLIF3FLIF2: SequentialPlan = {
  inputNorm: true,
  convolutions: [64, 128, 256].map((channels) => ({ channels, stride: 2 })),
  pooling: 'none',
  spiking: [256, 'classes'],
  mean: 'steps',
};

const gestures = {
  ...imageShape({ timestep: 60, nclass: 11, noise: 1e-3 }),
  fmode: z.enum(['spike', 'analog']).default('spike').describe('what the spiking linear layers give'),
};

registerSequential(CLIF3FLIF2, {
  SeqClif3Flif2DgItout: gestures,
  SeqClif3Flif2RgItout: gestures,
  SeqClifplus3Flifplus2DgItout: { ...gestures, ...lifPlusPreset },
  SeqClifplus3Flifplus2RgItout: { ...gestures, ...lifPlusPreset },
});

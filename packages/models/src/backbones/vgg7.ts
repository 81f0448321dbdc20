import { imageShape, innerLoop, lifPlusPreset } from './args.js';
import { CLIF5FC2 } from './clif5fc2.js';
import { registerSequential, type SequentialPlan } from './vocabulary/sequential.js';

/**
 * The five spiking convolutions of {@link CLIF5FC2} and two spiking linear layers.
 *
 *     clif1 32 (5x5, stride 2) - mp1 - ... - clif5 512 - mp5 - flat - flif1 512 - flif2 nclass
 *
 * The output is the mean of the last layer's output: its sum over time divided by `timestep`. 2,626,558 trainable
 * parameters at 128x128, two channels, ten classes. VGG7_SNNIt (which does not run upstream) brings the features
 * together first, and its linear neurons see that one step.
 *
 * Source: Lynxi BIDL 1.9, `VGG_SNN/VGG7_SNN.py`, `VGG7_SNNPlus.py`, `VGG7_SNNIt.py`.
 */
export const VGG7: SequentialPlan = { ...CLIF5FC2, head: [], spiking: [512, 'classes'] };

const args = imageShape({ timestep: 20, nclass: 10 });

registerSequential(VGG7, {
  VGG7_SNN: args,
  VGG7_SNNIt: { ...args, ...innerLoop },
  VGG7_SNNPlus: { ...args, ...lifPlusPreset, neuron_config: args.neuron_config },
});

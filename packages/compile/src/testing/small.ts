import { tf } from '@bidl/engine';
import { Aggregation, Conv2dLif, FcLif, OverTime, type Conv2dLifArgs } from '@bidl/neurons';
import { unsettle } from './networks.js';

/** One spiking convolution, a spiking dense layer and a mean: the smallest whole network. */
export function smallNetwork(
  args: Partial<Conv2dLifArgs> = {},
  timesteps: number | null = 3,
): tf.LayersModel {
  const input = tf.input({ shape: [timesteps, 6, 6, 2], name: 'input' });
  const layers = [
    new Conv2dLif({ name: 'clif', hidden_channel: 4, kernel_size: 3, padding: 1, seed: 5, ...args }),
    new OverTime(tf.layers.maxPooling2d({ name: 'pool', poolSize: 2, strides: 2 })),
    new OverTime(tf.layers.flatten({ name: 'flat' })),
    new FcLif({ name: 'flif', hidden_channel: 5, mode: 'analog', seed: 6 }),
    new Aggregation({ name: 'mean' }),
  ];
  const output = layers.reduce<tf.SymbolicTensor>((x, layer) => layer.apply(x) as tf.SymbolicTensor, input);
  const model = tf.model({ inputs: input, outputs: output, name: 'small' });
  unsettle(model, 3);
  return model;
}

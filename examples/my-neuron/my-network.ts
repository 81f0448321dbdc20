import { tf } from '@bidl/engine';
import { backbones } from '@bidl/models';
import { Aggregation, Conv2dLif, OverTime } from '@bidl/neurons';
import { z } from 'zod';
import { adaptive } from './my-neuron.js';

/** Two spiking convolutions and a linear layer; `own: false` has LIF in place of the neuron of this folder. */
backbones.register({
  type: 'MyNetwork',
  schema: z.strictObject({ nclass: z.number().int().positive(), own: z.boolean().default(true) }),
  build: ({ nclass, own }, { inputShape, seed }) => {
    const neuron = own ? adaptive : undefined;
    const clif = (name: string, hidden_channel: number) =>
      new Conv2dLif({ name, hidden_channel, kernel_size: 3, padding: 1, neuron, seed });
    const layers = [
      clif('clif1', 16),
      new OverTime(tf.layers.maxPooling2d({ poolSize: 2, strides: 2, name: 'mp1' })),
      clif('clif2', 32),
      new OverTime(tf.layers.flatten({ name: 'flat' })),
      new OverTime(tf.layers.dense({ units: nclass, name: 'head' })),
      new Aggregation({ name: 'mean' }),
    ];
    const input = tf.input({ shape: [...inputShape], name: 'input' });
    const output = layers.reduce((x, layer) => layer.apply(x) as tf.SymbolicTensor, input);
    return tf.model({ inputs: input, outputs: output, name: 'MyNetwork' });
  },
});

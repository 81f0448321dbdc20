import { ConfigError } from '@bidl/registry';
import { z } from 'zod';
import { neuronShape, somaSchema, timeShape } from './args.js';
import { backbones } from './backbone.js';
import { cells } from './vocabulary/cells.js';
import { chain, linear, network, together } from './vocabulary/piece.js';

const size = z.number().int().positive();
const schema = z
  .strictObject({
    timestep: size
      .default(100)
      .describe('time steps of a sample; the mean over time is over the steps there are'),
    input_features: size.optional().describe('channels of the input; SHD and SSC have 700'),
    hidden: z.array(size).min(1).default([128, 128]).describe('neurons of each recurrent layer'),
    nclass: size.default(20).describe('number of classes'),
    ...neuronShape({ noise: 0 }),
    soma_params: somaSchema.default({ alpha: 0.9 }),
    ...timeShape,
  })
  .omit({ neuron: true, neuron_config: true, variant: true });

/**
 * Recurrent spiking layers and a linear layer, for spike trains without an image: spoken digits (SHD, SSC) and the like.
 *
 *     rlif1 128 - rlif2 128 - fc nclass
 *
 * Every layer hears its own spikes of the step before; BatchNorm on input + membrane. The membrane keeps 0.9 of itself
 * by default, for sound lasts longer than the steps of a camera. After Cramer et al. 2020, "The Heidelberg spiking data
 * sets", with the read-out's mean over time for their maximum.
 *
 * @returns a model from `[B, T, F]` to logits `[B, nclass]`
 */
backbones.register({
  type: 'SeqRlif2Fc1ShdItout',
  schema,
  build: ({ input_features, hidden, nclass, amode, aggregate, ...args }, { inputShape, seed }) => {
    const [steps, features] = inputShape;
    if (inputShape.length !== 2) {
      throw new ConfigError(
        `model.backbone takes spike trains, [T, F], but a sample is [${inputShape.join(', ')}]`,
        'model.backbone',
      );
    }
    if (input_features !== undefined && input_features !== features) {
      throw new ConfigError(
        `model.backbone.input_features is ${input_features}, but the samples have ${features}; set it to ${features}`,
        'model.backbone.input_features',
      );
    }
    const cell = cells({ ...args, neuron: 'lif', variant: 'faithful' }, seed);
    const classify = linear('fc', nclass, { seed });
    const meet = together(amode);
    return network(
      'SeqRlif2Fc1ShdItout',
      [steps ?? null, features ?? null],
      chain(
        ...hidden.map((units, i) => cell.recurrent(`rlif${i + 1}`, units)),
        ...(aggregate === 'logits' ? [classify, meet] : [meet, classify]),
      ),
    );
  },
});

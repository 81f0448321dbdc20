import { Embedding, SeededDropout } from '@bidl/neurons';
import { ConfigError } from '@bidl/registry';
import { z } from 'zod';
import { lifPlusPreset, neuronShape } from './args.js';
import { backbones } from './backbone.js';
import { cells } from './vocabulary/cells.js';
import { chain, layer, linear, network, together } from './vocabulary/piece.js';

const size = z.number().int().positive();

const shape = {
  timestep: size.describe('tokens of a text'),
  vocab_size: size.describe('token ids go from 0 to one less'),
  embedding_dim: size.default(16),
  hidden_dim: size.default(256).describe('neurons'),
  nclass: size.default(1).describe('logits: 1 for two classes'),
  dropout: z.number().min(0).lt(1).default(0.5),
  amode: z.literal('mean').default('mean').describe('accepted from upstream: the last step is what counts'),
  ...neuronShape({ noise: 1e-3 }),
  cmode: z.enum(['spike', 'analog']).default('analog').describe('what the neurons give'),
};
const schema = z.strictObject(shape);

/**
 * FastText with neurons: one token a time step, and the last step is read.
 *
 *     embedding vocab_size x embedding_dim - lif hidden_dim - dropout - fc 1
 *
 * 37,153 trainable parameters with 1,001 tokens. Source: Lynxi BIDL 1.9, `text/imdb/backbone.py`.
 *
 * @returns a model from token ids `[B, T]` to one logit `[B, 1]` for two classes
 */
for (const [type, args] of [
  ['FastTextItout', schema],
  ['FastTextlifplusItout', z.strictObject({ ...shape, ...lifPlusPreset })],
] as const) {
  backbones.register({
    type,
    schema: args as unknown as typeof schema,
    build: ({ vocab_size, embedding_dim, hidden_dim, dropout, nclass, ...neurons }, { inputShape, seed }) => {
      const [steps] = inputShape;
      if (inputShape.length !== 1) {
        throw new ConfigError(
          `model.backbone takes texts of token ids, [T], but a sample is [${inputShape.join(', ')}]`,
          'model.backbone',
        );
      }
      const cell = cells({ ...neurons, statistics: 'step' }, seed);
      return network(
        type,
        [steps ?? null],
        chain(
          layer(() => new Embedding({ num_embeddings: vocab_size, embedding_dim, seed, name: 'embedding' })),
          cell.fc('lif', hidden_dim),
          together('pick'),
          layer(() => new SeededDropout({ rate: dropout, seed, name: 'dropout' })),
          linear('fc', nclass, { seed }),
        ),
      );
    },
  });
}

import { z } from 'zod';
import { chain, globalAvgPool, identity, linear, together } from '../backbones/vocabulary/piece.js';
import { necks } from './neck.js';

/**
 * Makes logits of images over time: the mean of every image, the mean over the steps, and, with `nclass`, a linear layer
 * `neck/fc`. For backbones that give feature maps, `[B, T, H, W, C] -> [B, nclass]`.
 */
necks.register({
  type: 'GlobalAveragePooling',
  schema: z.strictObject({
    nclass: z
      .number()
      .int()
      .positive()
      .optional()
      .describe('number of classes; without it, one for each channel'),
  }),
  build: ({ nclass }, { seed }) =>
    chain(
      globalAvgPool('neck/gap'),
      nclass === undefined ? identity : linear('neck/fc', nclass, { seed }),
      together('mean'),
    ),
});

import { MEMORY } from '@bidl/models';
import { z } from 'zod';
import { registry } from '@bidl/registry';
import { EpochBasedRunner, type RunnerParts } from './epoch-based-runner.js';

/** Runners by type, built from a config's `runner` section. */
export const runners = registry<EpochBasedRunner, Omit<RunnerParts, 'maxEpochs' | 'tbptt' | 'memory'>>(
  'runner',
);

runners.register({
  type: 'EpochBasedRunner',
  schema: z.strictObject({
    max_epochs: z.int().positive(),
    tbptt: z
      .int()
      .positive()
      .nullish()
      .describe('truncated backpropagation: cut the gradients after every so many time steps'),
    memory: z
      .enum(MEMORY)
      .nullish()
      .describe('lean: keep little for the backward pass and compute it again: slower, the same numbers'),
  }),
  build: ({ max_epochs, tbptt, memory }, parts) =>
    new EpochBasedRunner({
      ...parts,
      maxEpochs: max_epochs,
      tbptt: tbptt ?? undefined,
      memory: memory ?? undefined,
    }),
});

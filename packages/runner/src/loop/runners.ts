import { z } from 'zod';
import { registry } from '@bidl/registry';
import { EpochBasedRunner, type RunnerParts } from './epoch-based-runner.js';

/** Runners by type, built from a config's `runner` section. */
export const runners = registry<EpochBasedRunner, Omit<RunnerParts, 'maxEpochs' | 'tbptt'>>('runner');

runners.register({
  type: 'EpochBasedRunner',
  schema: z.strictObject({
    max_epochs: z.int().positive(),
    tbptt: z
      .int()
      .positive()
      .nullish()
      .describe('truncated backpropagation: cut the gradients after every so many time steps'),
  }),
  build: ({ max_epochs, tbptt }, parts) =>
    new EpochBasedRunner({ ...parts, maxEpochs: max_epochs, tbptt: tbptt ?? undefined }),
});

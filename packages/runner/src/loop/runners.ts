import { z } from 'zod';
import { registry } from '@bidl/registry';
import { EpochBasedRunner, type RunnerParts } from './epoch-based-runner.js';

/** Runners by type, built from a config's `runner` section. */
export const runners = registry<EpochBasedRunner, Omit<RunnerParts, 'maxEpochs'>>('runner');

runners.register({
  type: 'EpochBasedRunner',
  schema: z.strictObject({ max_epochs: z.int().positive() }),
  build: ({ max_epochs }, parts) => new EpochBasedRunner({ ...parts, maxEpochs: max_epochs }),
});

import { join } from '@bidl/registry';

import { type Rng } from './rng.js';
import { type Sample } from './sample.js';
import { type Transform, transforms } from './transform.js';

/** A step as a config writes it, or a ready function. */
export type PipelineStep = Transform | { readonly type: string; readonly [key: string]: unknown };

/**
 * Several ops, one after the other.
 *
 * @example
 * new Compose([{ type: 'RandomFlipVideo' }, { type: 'Collect', keys: ['img'] }]).apply(sample, rngFor(0));
 */
export class Compose {
  readonly transforms: readonly Transform[];

  /**
   * @param steps configs or functions, in order
   * @param place where the pipeline stands in its config, for error messages
   * @throws ConfigError for an unknown op or a wrong argument
   */
  constructor(steps: readonly PipelineStep[], place = 'pipeline') {
    this.transforms = steps.map((step, i) =>
      typeof step === 'function' ? step : transforms.build(step, undefined, join(place, i)),
    );
  }

  /** Runs the ops on one sample. @throws PipelineError or FormatError, whichever an op meets */
  apply(sample: Sample, rng: Rng): Sample {
    return this.transforms.reduce((current, transform) => transform(current, rng), sample);
  }
}

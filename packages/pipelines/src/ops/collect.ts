import { suggest } from '@bidl/registry';
import { z } from 'zod';

import { PipelineError } from '../errors.js';
import { type Sample } from '../sample.js';
import { type Transform, transforms } from '../transform.js';

const schema = z.strictObject({
  /** What goes on to the network. */
  keys: z.array(z.string()).min(1),
});

/** Arguments of {@link collect}. */
export type CollectArgs = z.output<typeof schema>;

/** Keys that describe other values and go along with them. */
const DESCRIBING = ['layout', 'pack', 'wanted'];

/** Keeps the named values of the sample (and how their axes and types are meant), drops the rest. */
export function collect({ keys }: CollectArgs): Transform {
  return (sample) => {
    for (const key of keys) {
      if (sample[key] !== undefined) continue;
      const names = Object.keys(sample);
      const near = suggest(key, names);
      throw new PipelineError(
        `Collect: the sample has no "${key}" (it has ${names.join(', ')})${near ? `. Did you mean "${near}"?` : ''}`,
      );
    }
    const kept = [...keys, ...DESCRIBING.filter((key) => sample[key] !== undefined)];
    return Object.fromEntries(kept.map((key) => [key, sample[key]])) as Sample;
  };
}

transforms.register({ type: 'Collect', schema, build: collect });

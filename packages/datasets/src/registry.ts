import { type Registry, registry } from '@bidl/registry';
import { type Transform } from '@bidl/pipelines';
import { z } from 'zod';

import { type BaseDataset, type DatasetArgs } from './base-dataset.js';

/** The data sets that a config can name. */
export const datasets: Registry<BaseDataset> = registry<BaseDataset>('dataset');

/** What every data set takes; see {@link DatasetArgs}. */
const baseShape = {
  data_prefix: z.string().min(1),
  pipeline: z.array(registry<Transform>('pipeline').schema()).default([]),
  classes: z.union([z.array(z.string()), z.string()]).nullish(),
  ann_file: z.string().nullish(),
  test_mode: z.boolean().default(false),
};

/** A data set as a config writes it: plain data, so it can travel to a worker. */
export interface DatasetConfig extends DatasetArgs {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** A class of data sets. */
export interface DatasetClass<A extends DatasetArgs = DatasetArgs> {
  readonly name: string;
  readonly CLASSES: readonly string[];
  new (args: A): BaseDataset;
}

/**
 * Makes a class known to configs under its own name.
 *
 * @param schema arguments beyond the usual ones
 * @example
 * registerDataset(MyDataset);
 * registerDataset(Clips, { frames: z.int().default(16) });
 */
export function registerDataset<S extends z.core.$ZodShape = Record<never, never>>(
  dataset: DatasetClass<DatasetArgs & z.output<z.ZodObject<S>>>,
  schema?: S,
): void {
  datasets.register({
    type: dataset.name,
    schema: z.strictObject({ ...baseShape, ...schema }),
    build: (args) => new dataset(args as unknown as DatasetArgs & z.output<z.ZodObject<S>>),
  });
}

/** Builds the data set that a config describes. @throws ConfigError with the place, `data.train.pipeline[2].size` */
export function buildDataset(config: unknown, place = 'dataset'): BaseDataset {
  return datasets.build(config, undefined, place);
}

import { z } from 'zod';

/** `{ type, ...args }`: the arguments are checked by the registry of the type's kind, not here. */
const typed = z.looseObject({ type: z.string().min(1) });

/** A section that may be left out or be null (upstream's `None`): then its defaults hold. */
const section = <S extends z.ZodType>(schema: S) => z.preprocess((value) => value ?? {}, schema);
const nullable = <S extends z.ZodType>(schema: S) => schema.nullish().transform((value) => value ?? null);
const orDefault = <S extends z.ZodType>(schema: S, fallback: z.input<S>) =>
  z.preprocess((value) => value ?? fallback, schema);

const dataset = z.looseObject({
  type: z.string().min(1),
  /** Folder, or file name without its ending, relative to the working folder. */
  data_prefix: z.string().min(1),
  pipeline: orDefault(z.array(typed), []),
  test_mode: z.boolean().optional(),
});

const model = z.looseObject({
  type: z.string().min(1),
  backbone: typed,
  neck: typed.nullish(),
  head: typed,
});

const data = z.strictObject({
  /** Batch size of each device. */
  samples_per_gpu: z.int().positive(),
  /** Worker threads that load for each device; 0 loads in the main thread. */
  workers_per_gpu: orDefault(z.int().min(0), 1),
  drop_last: z.boolean().optional(),
  train: dataset,
  val: nullable(dataset),
  test: nullable(dataset),
});

const gradClip = z.strictObject({
  max_norm: z.number().positive(),
  norm_type: z.number().positive().optional(),
});

/** The policy's own arguments and the warm-up's stand beside its name; the registry of policies knows them. */
const lrConfig = z.looseObject({ policy: z.string().min(1) });

/** The whole run: model, data, schedule and runtime, under upstream's names. */
export const runConfigSchema = z.strictObject({
  model,
  dataset_type: z.string().nullish(),
  data,

  optimizer: typed,
  optimizer_config: section(z.strictObject({ grad_clip: nullable(gradClip) })),
  /** The rate stays fixed without it. */
  lr_config: nullable(lrConfig),
  runner: z.looseObject({
    type: orDefault(z.string().min(1), 'EpochBasedRunner'),
    max_epochs: z.int().positive(),
  }),

  checkpoint_config: section(z.looseObject({ interval: z.int().positive().default(1) })),
  log_config: section(z.looseObject({ interval: z.int().positive().default(50) })),
  /** Accepted for upstream's sake: data-parallel training takes its devices elsewhere. */
  dist_params: nullable(z.looseObject({ backend: z.string() })),
  log_level: orDefault(z.enum(['DEBUG', 'INFO', 'WARNING', 'ERROR']), 'INFO'),
  load_from: nullable(z.string().min(1)),
  resume_from: nullable(z.string().min(1)),
  workflow: orDefault(z.array(z.tuple([z.enum(['train', 'val']), z.int().positive()])), [['train', 1]]),
  /** Where logs and checkpoints go; `work_dirs/<config>` when null. */
  work_dir: nullable(z.string().min(1)),
  seed: nullable(z.int().min(0)),
  deterministic: orDefault(z.boolean(), false),
  /** Hooks beside the runner's own. */
  custom_hooks: orDefault(z.array(typed), []),
  /** The user's own files, loaded before types are looked up; absolute paths once the config is loaded. */
  custom_imports: orDefault(z.array(z.string()), []),
});

/** A checked config with its defaults. Arguments of `{ type }` objects stand as they were written. */
export type RunConfig = z.output<typeof runConfigSchema>;
/** `{ type, ...args }` of a data set. */
export type DatasetConfig = z.output<typeof dataset>;

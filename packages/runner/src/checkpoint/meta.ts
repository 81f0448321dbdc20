import { z } from 'zod';

/** Bumped when a reader of the previous version would misread the file. */
export const CHECKPOINT_VERSION = 1;

const count = z.int().nonnegative();
const score = z.object({ loss: z.number(), top1: z.number(), top5: z.number() });

/** What one epoch gave: means over all its samples; top-1 and top-5 in percent. */
export const epochRecord = z.object({
  epoch: z.int().positive(),
  lr: z.number(),
  seconds: z.number(),
  train: score,
  validation: score.optional(),
});

/** Where the numbers were computed: the same results, bit for bit, are only promised on an equal machine. */
export const producer = z.object({
  name: z.string(),
  version: z.string(),
  backend: z.string(),
  /** Whether the fused spike kernels computed, or composed ops. */
  fused: z.boolean(),
  threads: z.number(),
  cpuFeatures: z.array(z.string()),
});

/** All of a checkpoint but its tensors: JSON under the key `bidl` of the safetensors metadata. */
export const checkpointMeta = z.object({
  format: z.literal('bidl-checkpoint'),
  version: z.literal(CHECKPOINT_VERSION),
  producer,
  /** ISO time of saving. */
  time: z.string(),
  /** Epochs and iterations finished. */
  epoch: count,
  iter: count,
  maxEpochs: count,
  seed: z.number(),
  optimizer: z.object({ type: z.string(), scalars: z.record(z.string(), z.number()) }).nullable(),
  /** One per parameter group. */
  schedules: z.array(z.record(z.string(), z.number())),
  best: z.object({ epoch: z.int().positive(), top1: z.number() }).nullable(),
  history: z.array(epochRecord),
  classes: z.array(z.string()),
  /** Name and content of the config, as resolved. */
  configName: z.string(),
  config: z.unknown(),
});

export type EpochRecord = z.output<typeof epochRecord>;
export type EpochScore = z.output<typeof score>;
export type CheckpointProducer = z.output<typeof producer>;
export type CheckpointMeta = z.output<typeof checkpointMeta>;
export type BestScore = NonNullable<CheckpointMeta['best']>;

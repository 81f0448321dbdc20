import { createLoader } from '@bidl/datasets';
import { buildClassifier, type ImageClassifier } from '@bidl/models';
import type { EngineInfo } from '@bidl/engine';
import { ConfigError } from '@bidl/registry';
import type { CheckpointProducer } from './checkpoint/meta.js';
import type { NamedConfig } from './run-config.js';
import { VERSION } from './version.js';

/** The seed when neither config nor options give one: a run repeats unless told otherwise. */
export const DEFAULT_SEED = 0;

/** How the two kinds of loaders differ. */
export interface LoaderUse {
  readonly training: boolean;
  readonly seed: number;
  /** Worker threads; left out: as the config says. */
  readonly workers?: number;
}

/** The batch loader of one split of a config. */
export function loaderOf(
  { config }: NamedConfig,
  split: 'train' | 'val' | 'test',
  { training, seed, workers }: LoaderUse,
) {
  const { data } = config;
  const dataset = data[split];
  if (!dataset)
    throw new ConfigError(`data.${split} is missing: describe that split in the config.`, `data.${split}`);
  return createLoader({
    dataset,
    place: `data.${split}`,
    batchSize: data.samples_per_gpu,
    workers: workers ?? data.workers_per_gpu,
    shuffle: training,
    seed,
    dropLast: training && (data.drop_last ?? false),
    imports: [...config.custom_imports],
  });
}

/**
 * The network of a config, for samples of a shape [T, H, W, C].
 *
 * @param classes names of the data set's classes, where they are known
 * @throws ConfigError when the network has fewer logits than the data have classes
 */
export function classifierOf(
  { config }: NamedConfig,
  inputShape: readonly number[],
  seed: number,
  classes: readonly string[] = [],
): ImageClassifier {
  const classifier = buildClassifier(config.model, { inputShape: [...inputShape], seed });
  const { nclass } = classifier;
  // One logit is enough for two classes.
  if (nclass >= classes.length || (nclass === 1 && classes.length === 2)) return classifier;
  classifier.dispose();
  throw new ConfigError(
    `model.backbone.nclass: the network tells ${nclass} classes apart, but the data set has ${classes.length} ` +
      `(${abridged(classes)}); set nclass to ${classes.length}`,
    'model.backbone.nclass',
  );
}

const abridged = (names: readonly string[]): string =>
  names.length > 5 ? `${names.slice(0, 4).join(', ')}, ..., ${names.at(-1)}` : names.join(', ');

/** This process, as checkpoints record it. */
export const producerOf = (engine: EngineInfo): CheckpointProducer => ({
  name: '@bidl/runner',
  version: VERSION,
  backend: engine.backend,
  fused: engine.fused,
  threads: engine.threads,
  cpuFeatures: [...engine.cpuFeatures],
});

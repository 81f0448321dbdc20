import { readFileSync } from 'node:fs';
import path from 'node:path';

import type { LoadedConfig } from '@bidl/config';
import { createLoader, type Loader } from '@bidl/datasets';
import { startEngine, type EngineInfo } from '@bidl/engine';
import { canonicalJson, sha256 } from '@bidl/graph';
import { buildClassifier, type ImageClassifier } from '@bidl/models';
import { applyWeights, readCheckpoint } from '@bidl/runner';

import { UsageError } from '../failure.js';

/** A config's network with its trained weights, and what both are known by. */
export interface Trained {
  readonly classifier: ImageClassifier;
  readonly engine: EngineInfo;
  readonly config: { readonly name: string; readonly hash: string };
  readonly checkpoint: { readonly path: string; readonly hash: string };
}

/**
 * Builds the network of a config for samples of a shape, with the weights of a checkpoint.
 *
 * @throws CheckpointError for a file that can't be read, CheckpointMismatchError for that of another network.
 */
export async function openTrained(
  loaded: LoadedConfig,
  file: string,
  inputShape: readonly number[],
  warn: (line: string) => void,
): Promise<Trained> {
  const checkpoint = readCheckpoint(file);
  const engine = await startEngine({ warn });
  const classifier = buildClassifier(loaded.config.model, { inputShape, seed: checkpoint.meta?.seed ?? 0 });
  applyWeights(classifier, checkpoint);
  return {
    classifier,
    engine,
    config: { name: loaded.name, hash: configHash(loaded) },
    checkpoint: { path: path.resolve(file), hash: sha256(readFileSync(file)) },
  };
}

/** The loader of the test split, in its own order. */
export function openTestSplit({ config }: LoadedConfig, workers?: number): Promise<Loader> {
  const { data } = config;
  if (!data.test) throw new UsageError('data.test is missing: describe that split in the config');
  return createLoader({
    dataset: data.test,
    place: 'data.test',
    batchSize: data.samples_per_gpu,
    workers: workers ?? data.workers_per_gpu,
    imports: [...config.custom_imports],
  });
}

/**
 * Hash of what a compiled network depends on in its config: the model, and what the samples go through. Where the
 * data lie, or how it was trained, changes nothing.
 */
export function configHash({ config }: LoadedConfig): string {
  const { model, data } = config;
  return sha256(canonicalJson({ model, dataset: data.test?.type, pipeline: data.test?.pipeline }));
}
